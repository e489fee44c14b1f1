import { credentials } from '../../credential/credentials.ts';
import { silentLogger } from '../../log/logger.ts';
import type { Definition } from '../definition.ts';
import type { Place } from '../place.ts';
import { type Problem, splitProblem } from '../problem.ts';
import { isAssumed } from '../written/fill.ts';

const NOWHERE: Place = { file: 'production.yaml', line: 1, column: 1 };

/** Entries of which some value is assumed, and those that name such an entry. */
function assumedIn(entries: Definition['credentials']): ReadonlySet<string> {
  const unknown = new Set<string>();
  for (const [name, { values }] of entries) if (isAssumed(values)) unknown.add(name);
  for (const [name, { values }] of entries) {
    if (textsIn(values).some((text) => unknown.has(text))) unknown.add(name);
  }
  return unknown;
}

/**
 * What is wrong with the keys, certificates and files behind the entries under `credentials`, found
 * without the network. A missing file is a warning, as it may be there by the start; with `assume`
 * it is not reported. Not part of reading a production: one bad key must not keep all hosts from
 * starting.
 */
export async function credentialProblems(
  definition: Definition,
  { assume }: { readonly assume: boolean },
): Promise<Problem[]> {
  const { folder, credentials: entries } = definition;
  const unknown = assumedIn(entries);
  const held = credentials(entries, { log: silentLogger, folder });
  const found = await held.check();
  await held.close();
  return found
    .filter(({ credential, isMissing }) => !unknown.has(credential) && !(isMissing && assume))
    .map(({ credential, problem, isMissing }): Problem => {
      const { file, line, column } = entries.get(credential)?.place ?? NOWHERE;
      return {
        file,
        line,
        column,
        path: `credentials.${credential}`,
        ...splitProblem(problem.replace(`credential ${credential}: `, '')),
        severity: isMissing ? 'warning' : 'error',
      };
    });
}

/** Every text in a value, however deep, including names of other entries. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
