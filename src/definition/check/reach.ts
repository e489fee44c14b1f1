import type { Definition } from '../definition.ts';
import { graphOf, loopsAmong } from '../edges.ts';
import type { ProductionNames } from '../names.ts';
import type { Problems } from '../problem.ts';
import type { Written } from '../written/written.ts';

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
