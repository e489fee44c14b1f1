/** Something of one production. */
export interface Of<Item> {
  readonly production: string;
  readonly item: Item;
}

/** A part of a list that is sorted by time, newest first. */
export interface TimedPart<Item> {
  readonly production: string;
  readonly items: readonly Item[];
  /** Everything newer is among the items; undefined if there is nothing older. */
  readonly back?: number | undefined;
}

interface Merged<Item> {
  readonly rows: readonly Of<Item>[];
  /** How many more there are already, older than what one of the productions has searched. */
  readonly held: number;
}

/**
 * The parts as one list, newest first. What is older than what a production has searched so far is
 * held back: rows of that production would appear above it later.
 */
export function merged<Item>(
  parts: readonly TimedPart<Item>[],
  timeOf: (item: Item) => number,
): Merged<Item> {
  const all = parts
    .flatMap(({ production, items }) => items.map((item) => ({ production, item })))
    .toSorted((a, b) => timeOf(b.item) - timeOf(a.item));
  const horizon = Math.max(0, ...parts.map(({ back = 0 }) => back));
  const rows = all.filter(({ item }) => timeOf(item) >= horizon);
  return { rows, held: all.length - rows.length };
}
