import type { LineDifference } from '../contract/body.ts';
import { aligned } from './aligned.ts';

/** Lines compared at most, without those that are equal at the beginning and the end. */
const COMPARED = 2_000;

interface Line {
  readonly n: number;
  readonly text: string;
}

/** Compares two texts line by line. */
export function lineDifference(
  before: readonly string[],
  after: readonly string[],
): { readonly lines: LineDifference[]; readonly truncated: boolean } {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head++;
  let tail = 0;
  while (
    tail < Math.min(before.length, after.length) - head &&
    before[before.length - 1 - tail] === after[after.length - 1 - tail]
  ) {
    tail++;
  }
  const middle = (lines: readonly string[]): Line[] =>
    lines.slice(head, lines.length - tail).map((text, index) => ({ n: head + index + 1, text }));
  const [old, now] = [middle(before), middle(after)];
  const pairs = aligned(old.slice(0, COMPARED), now.slice(0, COMPARED), (a, b) =>
    a.text === b.text ? 1 : 0,
  );
  const end = [before.length - tail, after.length - tail] as const;
  return {
    lines: [
      ...before.slice(0, head).map((text, index) => same(text, index, 0, 0)),
      ...pairs.flatMap(([one, other]) => lineOf(one, other)),
      ...before.slice(end[0]).map((text, index) => same(text, index, ...end)),
    ],
    truncated: old.length > COMPARED || now.length > COMPARED,
  };
}

/** `from` and `to` lines stand before the first of those that are equal. */
function same(text: string, index: number, from: number, to: number): LineDifference {
  return { change: 'same', text, before: from + index + 1, after: to + index + 1 };
}

function lineOf(one: Line | undefined, other: Line | undefined): LineDifference[] {
  if (one !== undefined && other !== undefined) {
    return [{ change: 'same', text: one.text, before: one.n, after: other.n }];
  }
  if (one !== undefined) {
    return [{ change: 'removed', text: one.text, before: one.n, after: undefined }];
  }
  if (other !== undefined) {
    return [{ change: 'added', text: other.text, before: undefined, after: other.n }];
  }
  return [];
}
