/** Where two texts differ: what they share at both ends, and what is between. */
export interface ChangedText {
  readonly head: string;
  readonly before: string;
  readonly after: string;
  readonly tail: string;
}

/** Finds the part that differs. A field nearly always changes in one place, so comparing the ends is enough. */
export function changedText(before: string, after: string): ChangedText {
  const shortest = Math.min(before.length, after.length);
  let head = 0;
  while (head < shortest && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < shortest - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  return {
    head: before.slice(0, head),
    before: before.slice(head, before.length - tail),
    after: after.slice(head, after.length - tail),
    tail: before.slice(before.length - tail),
  };
}
