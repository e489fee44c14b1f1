import type { CredentialEntry, Definition } from './definition.ts';
import { type Problem, problemList } from './problem.ts';
import { credentialEntry } from './read-credentials.ts';
import { fill, type ValueSource } from './written/fill.ts';
import { emptyBlock, placeAt, valueAt, type Written } from './written/written.ts';

/**
 * Fills in the files and secrets of an entry under `credentials` again, as they are now: a rotated
 * one is used for the next sign-in or connection. If a value cannot be read at the moment, the last
 * one is used and `onProblem` is called. Undefined for an entry without any, and if the loaded one
 * is still valid.
 */
export function freshCredentials(
  definition: () => Pick<Definition, 'source'>,
  source: ValueSource,
  onProblem: (credential: string, problem: Problem) => void,
): (name: string) => Promise<CredentialEntry | undefined> {
  const last = new Map<string, { readonly of: Written; readonly entry: CredentialEntry }>();
  return async (name) => {
    const { written } = definition().source;
    const entry = valueAt(written, ['credentials', name]);
    if (entry === undefined || !isHidden(entry)) return undefined;
    const problems = problemList();
    const filled = await fill(around(name, unfilled(entry)), source, problems);
    const [problem] = problems.list();
    if (problem !== undefined) {
      onProblem(name, problem);
      const known = last.get(name);
      return known?.of === entry ? known.entry : undefined;
    }
    const value = valueAt(filled, ['credentials', name]);
    if (value?.kind !== 'block') return undefined;
    const fresh = credentialEntry(value, placeAt(written, ['credentials', name]));
    last.set(name, { of: entry, entry: fresh });
    return fresh;
  };
}

/** The entry at its place in a production: secrets are filled in only there. */
function around(name: string, value: Written): Written {
  const { place } = value;
  const block = (key: string, inner: Written): Written => ({
    ...emptyBlock(place),
    entries: new Map([[key, { key, place, value: inner }]]),
  });
  return block('credentials', block(name, value));
}

function isHidden(written: Written): boolean {
  if (written.kind === 'scalar') return written.hidden;
  if (written.kind === 'list') return written.items.some(isHidden);
  return [...written.entries.values()].some(({ value }) => isHidden(value));
}

/** The value before anything was filled in. */
function unfilled(written: Written): Written {
  if (written.kind === 'scalar') {
    const { template, ...scalar } = written;
    return template === undefined
      ? written
      : { ...scalar, value: template, filled: false, hidden: false, files: [] };
  }
  if (written.kind === 'list') return { ...written, items: written.items.map(unfilled) };
  const entries = [...written.entries].map(
    ([key, entry]) => [key, { ...entry, value: unfilled(entry.value) }] as const,
  );
  return { ...written, entries: new Map(entries) };
}
