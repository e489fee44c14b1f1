import type { Definition } from '../definition.ts';
import { graphOf, loopsAmong, reachable } from '../edges.ts';
import type { ProductionNames } from '../names.ts';
import type { Problems } from '../problem.ts';
import { type OpenFiles, readText } from '../written/open-files.ts';
import { pathText, placeAt, valueAt, type Written } from '../written/written.ts';

/** What the checks of a whole production work on. */
export interface Checking {
  readonly definition: Definition;
  readonly written: Written;
  readonly names: ProductionNames;
  readonly problems: Problems;
  /** What an editor holds of the files. */
  readonly open?: OpenFiles | undefined;
}

/** A message that goes in circles between inline processes would never be stored. */
export function checkLoops({ definition, problems }: Checking): void {
  const inline = [...definition.processes.values()].filter(({ run }) => run === 'inline');
  const names = new Set(inline.map(({ name }) => name));
  for (const loop of loopsAmong(graphOf(definition), names)) {
    const [first = ''] = loop;
    const place = definition.processes.get(first)?.place;
    if (place === undefined) continue;
    const what = `inline processes send to each other in a circle: ${loop.join(' → ')}`;
    problems.error(
      place,
      `processes.${first}`,
      what,
      'Break the circle; if messages leave it by a rule, make one of them run: queued.',
    );
  }
}

/** Where an answer that differs after a crash is split in a queue of its own, a part of it would be lost. */
export function warnOfQueuedAnswers({ definition, problems }: Checking): void {
  const { operations, processes } = definition;
  for (const { name, adapter, answersTo, place } of operations.values()) {
    for (const to of adapter.answersAnew === true ? answersTo : []) {
      if (processes.get(to)?.run !== 'queued') continue;
      const path = ['operations', name, 'answersTo'];
      problems.warning(
        definition.placeOf(path) ?? place,
        path.join('.'),
        `${to} has a queue of its own, so after a crash the first answer to a message counts: who has just subscribed may miss one notification`,
        `Leave out run: queued of ${to}.`,
      );
    }
  }
}

/** Names that nothing uses, and hosts that no message gets to: usually a sign of a mistake elsewhere. */
export async function warnOfUnused(checking: Checking): Promise<void> {
  const { definition, names, problems, written } = checking;
  const warn = (keys: readonly [string, string], what: string, remedy: string): void =>
    problems.warning(placeAt(written, keys), pathText(keys), what, remedy);

  for (const [section, used] of [
    ['transforms', names.used.transform],
    ['records', new Set([...names.used.transform].map((name) => name.replace(/\.\w+$/, '')))],
    ['profiles', names.used.profile],
    ['lookups', await usedLookups(checking)],
    ['credentials', await usedCredentials(checking)],
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
      warn([section, name], 'no message can get here', 'Send to it from a service or a rule.');
    }
  }
}

/** Undefined if a code process does not say where it sends: then any host may be its target. */
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

/** Lookups are named inside expressions and code, so the files are searched for the quoted name. */
async function usedLookups(checking: Checking): Promise<ReadonlySet<string>> {
  const { lookups, used } = checking.names;
  const quoted = await quotedNames(checking, [...lookups], (file) => !file.endsWith('.csv'));
  return new Set([...used.lookup, ...quoted]);
}

/** Keys for tokens are also named in code. */
async function usedCredentials(checking: Checking): Promise<ReadonlySet<string>> {
  const { credentials, used } = checking.names;
  const keys = [...credentials].flatMap(([name, kind]) => (kind === 'jwt-key' ? [name] : []));
  const unused = keys.filter((name) => !used.credential.has(name));
  const quoted = await quotedNames(checking, unused, (file) => /\.[cm]?[jt]s$/.test(file));
  return new Set([...used.credential, ...quoted]);
}

async function quotedNames(
  { definition, open }: Checking,
  names: readonly string[],
  among: (file: string) => boolean,
): Promise<readonly string[]> {
  if (names.length === 0) return [];
  const texts = await Promise.all(
    definition.files
      .filter(among)
      // one that cannot be read is reported where it is used
      .map((file) => readText(file, open).catch(() => '')),
  );
  return names.filter((name) =>
    texts.some((text) =>
      ['"', "'", '\\"', '`'].some((quote) => text.includes(quote + name + quote)),
    ),
  );
}
