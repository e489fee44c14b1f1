import { readFile } from 'node:fs/promises';
import { graphOf, reachable } from '../edges.ts';
import { pathText, placeAt, valueAt } from '../written/written.ts';
import type { Checking } from './reach.ts';

/** Names that nothing uses, and hosts that no message comes to: most often a sign of a mistake elsewhere. */
export async function warnOfUnused(checking: Checking): Promise<void> {
  const { definition, names, problems, written } = checking;
  const warn = (keys: readonly [string, string], what: string, remedy: string): void =>
    problems.warning(placeAt(written, keys), pathText(keys), what, remedy);

  for (const [section, used] of [
    ['transforms', names.used.transform],
    ['lookups', await usedLookups(checking)],
    ['credentials', names.used.credential],
  ] as const) {
    const block = valueAt(written, [section]);
    for (const name of block?.kind === 'block' ? block.entries.keys() : []) {
      if (!used.has(name)) warn([section, name], 'nothing uses it', 'Remove it, or use its name.');
    }
  }
  const used = reachableHosts(checking);
  for (const section of ['processes', 'operations'] as const) {
    for (const name of used === undefined ? [] : definition[section].keys()) {
      if (used?.has(name) === true) continue;
      warn([section, name], 'no message can come here', 'Send to it from a service or a rule.');
    }
  }
}

/** Undefined where some code process does not say where it sends: then every host may be its target. */
function reachableHosts({ definition, names }: Checking): ReadonlySet<string> | undefined {
  const free = [...definition.processes.values()].some(
    ({ code, to }) => code !== undefined && to === undefined,
  );
  if (free) return undefined;
  return reachable(graphOf(definition), [
    ...definition.services.keys(),
    ...names.used.target,
    ...(definition.alerts?.to ?? []),
  ]);
}

/** A lookup is named inside expressions and code, so its quoted name is looked for in the files. */
async function usedLookups({ definition, names }: Checking): Promise<ReadonlySet<string>> {
  if (names.lookups.size === 0) return names.used.lookup;
  const texts = await Promise.all(
    definition.files
      .filter((file) => !file.endsWith('.csv'))
      // one that cannot be read is told of where it is used
      .map((file) => readFile(file, 'utf8').catch(() => '')),
  );
  const quoted = [...names.lookups].filter((name) =>
    texts.some((text) =>
      ['"', "'", '\\"', '`'].some((quote) => text.includes(quote + name + quote)),
    ),
  );
  return new Set([...names.used.lookup, ...quoted]);
}
