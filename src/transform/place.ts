import { EngineError } from '../error/engine-error.ts';
import type { LoopTurn, Work } from './work.ts';

/** A path that a step writes, resolved for the current message. */
export type WrittenPlace = (work: Work) => string;

/**
 * In a path, `#` is the number of the loop's turn: `OBX[#]-5`, `/results/#/code`,
 * `/report/result[#]`. JSON counts from 0, all others from 1. So a loop can fill a list of another
 * kind.
 *
 * The last `#` belongs to the innermost loop, the one before it to the loop around that. The first
 * one counts on through all turns of the outer loops that have no `#`: `/lines/#` in a nested loop
 * fills one list.
 */
export function placeOf(path: string): WrittenPlace {
  const parts = path.split('#');
  const count = parts.length - 1;
  if (count === 0) return () => path;
  return ({ turns, run }) => {
    const [first = '', ...rest] = parts;
    const counted = turns.slice(-count);
    if (counted.length < count) throw tooMany(path, turns);
    const from = run.target.kind === 'json' ? 1 : 0;
    return rest.reduce((whole, part, at) => {
      const { turn, total } = counted[at] as LoopTurn;
      return `${whole}${(at === 0 ? total : turn) - from}${part}`;
    }, first);
  };
}

/** How many surrounding loops a path needs. */
export function loopsNeeded(path: string): number {
  return path.split('#').length - 1;
}

/** The path with numbers filled in, for checking. */
export function examplePath(path: string): string {
  return path.replaceAll('#', '1');
}

function tooMany(path: string, { length }: readonly LoopTurn[]): EngineError {
  return new EngineError(
    'TRANSFORM_FAILED',
    `${path} has more # than there are surrounding loops (${length})`,
  );
}
