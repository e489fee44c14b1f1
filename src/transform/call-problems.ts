import { DeclarativeTransform } from './declarative-transform.ts';
import { declarationOf, SplitTransform } from './split-transform.ts';
import type { Transform } from './transform.ts';

export interface CallProblem {
  /** The transform that calls. */
  readonly transform: string;
  readonly text: string;
}

/**
 * Problems between transforms, found once all are read: circular calls, calls of transforms that
 * have no steps, and steps that need a loop that no caller has.
 */
export function callProblems(transforms: ReadonlyMap<string, Transform>): CallProblem[] {
  const problems: CallProblem[] = [];
  const called = new Set([...transforms.values()].flatMap(callsOf));
  for (const [name, transform] of transforms) {
    for (const what of called.has(name) ? [] : needsOf(transform)) {
      const text = `${what} needs a loop, or more loops, around it. Put it under each:.`;
      problems.push({ transform: name, text });
    }
    for (const one of callsOf(transform)) {
      const found = transforms.get(one);
      if (found instanceof SplitTransform) {
        const text = `${one} splits the message and cannot be called. Name both in the rule: transform: [${name}, ${one}].`;
        problems.push({ transform: name, text });
        continue;
      }
      if (found !== undefined && !(found instanceof DeclarativeTransform)) {
        const text = `${one} is code and cannot be called. Name both in the rule: transform: [${name}, ${one}].`;
        problems.push({ transform: name, text });
      }
    }
    const ring = ringFrom(name, [name], transforms);
    if (ring !== undefined) {
      problems.push({ transform: name, text: `It calls itself: ${ring.join(', ')}.` });
    }
  }
  return problems;
}

function callsOf(transform: Transform | undefined): readonly string[] {
  return declarationOf(transform)?.calls ?? [];
}

function needsOf(transform: Transform): readonly string[] {
  return declarationOf(transform)?.needs ?? [];
}

/** The calls that lead from a transform back to itself. */
function ringFrom(
  start: string,
  way: readonly string[],
  transforms: ReadonlyMap<string, Transform>,
): readonly string[] | undefined {
  for (const called of callsOf(transforms.get(way.at(-1) ?? start))) {
    if (called === start) return [...way, called];
    if (way.includes(called)) continue;
    const ring = ringFrom(start, [...way, called], transforms);
    if (ring !== undefined) return ring;
  }
  return undefined;
}
