import type { Work } from './work.ts';

/** A path that a step writes, as it stands for the message at hand. */
export type Place = (work: Work) => string;

/**
 * In a path, `#` is the number of the loop's turn: `OBX[#]-5`, `/results/#/code`, `/report/result[#]`.
 * JSON counts from 0, all others from 1. So the turns of a loop can fill a list of another kind.
 */
export function placeOf(path: string): Place {
  if (!path.includes('#')) return () => path;
  return ({ turn, run }) =>
    path.replaceAll('#', String(run.target.kind === 'json' ? turn - 1 : turn));
}

/** The path with a number in it, for checking. */
export function examplePath(path: string): string {
  return path.replaceAll('#', '1');
}
