import type { Definition } from '../definition.ts';
import type { ProductionNames } from '../names.ts';
import type { Problems } from '../problem.ts';
import { pathText, placeAt, valueAt, type Written } from '../written/written.ts';
import { graphOf, loopsAmong, reachable } from './graph.ts';

/** What the checks of a whole production see. */
export interface Checking {
  readonly definition: Definition;
  readonly written: Written;
  readonly names: ProductionNames;
  readonly problems: Problems;
}

/** A message that goes round between inline processes would never be stored. */
export function checkLoops({ definition, problems }: Checking): void {
  const inline = [...definition.processes.values()].filter(({ run }) => run === 'inline');
  const names = new Set(inline.map(({ name }) => name));
  for (const loop of loopsAmong(graphOf(definition), names)) {
    const [first = ''] = loop;
    const place = definition.processes.get(first)?.place;
    if (place === undefined) continue;
    const what = `inline processes send to each other in a ring: ${loop.join(' → ')}`;
    problems.error(
      place,
      `processes.${first}`,
      what,
      'Make one of them run: queued, or cut the ring.',
    );
  }
}

/** Names that nothing uses, and hosts that no message comes to: most often a sign of a mistake elsewhere. */
export function warnOfUnused(checking: Checking): void {
  const { definition, names, problems, written } = checking;
  const warn = (keys: readonly [string, string], what: string, remedy: string): void =>
    problems.warning(placeAt(written, keys), pathText(keys), what, remedy);

  for (const [section, used] of [
    ['transforms', names.used.transform],
    ['lookups', names.used.lookup],
    ['credentials', names.used.credential],
  ] as const) {
    const block = valueAt(written, [section]);
    for (const name of block?.kind === 'block' ? block.entries.keys() : []) {
      if (!used.has(name)) warn([section, name], 'nothing uses it', 'Remove it, or use its name.');
    }
  }
  if (hasFreeCode(definition)) return;
  const used = reachable(graphOf(definition), [
    ...definition.services.keys(),
    ...names.used.target,
    ...(definition.alerts?.to ?? []),
  ]);
  for (const section of ['processes', 'operations'] as const) {
    for (const name of definition[section].keys()) {
      if (used.has(name)) continue;
      warn([section, name], 'no message can come here', 'Send to it from a service or a rule.');
    }
  }
}

/** Whether some code process does not say where it sends: then every host may be its target. */
function hasFreeCode({ processes }: Definition): boolean {
  return [...processes.values()].some(({ code, to }) => code !== undefined && to === undefined);
}
