type Pair<Item> = readonly [Item | undefined, Item | undefined];

/** Above this many comparisons the middle parts are paired in order, without looking for the best way. */
const COMPARISONS = 4_000_000;

/**
 * Pairs the items of two lists in their order so that the sum of likenesses is greatest; an item with no
 * like stands alone. What is equal at both ends is paired at once.
 */
export function aligned<Item>(
  before: readonly Item[],
  after: readonly Item[],
  likeness: (a: Item, b: Item) => number,
): Pair<Item>[] {
  const [rows, columns] = [before.length, after.length];
  if (rows * columns > COMPARISONS) {
    return Array.from({ length: Math.max(rows, columns) }, (_, at) => [before[at], after[at]]);
  }
  const width = columns + 1;
  const best = new Float64Array((rows + 1) * width);
  const at = (row: number, column: number): number => best[row * width + column] ?? 0;
  const alike = (row: number, column: number): number => {
    const [a, b] = [before[row], after[column]];
    return a === undefined || b === undefined ? 0 : likeness(a, b);
  };
  for (let row = rows - 1; row >= 0; row--) {
    for (let column = columns - 1; column >= 0; column--) {
      const like = alike(row, column);
      const paired = like > 0 ? like + at(row + 1, column + 1) : 0;
      best[row * width + column] = Math.max(paired, at(row + 1, column), at(row, column + 1));
    }
  }
  return pairs(before, after, { at, alike });
}

/** Walks the best way from the start. */
function pairs<Item>(
  before: readonly Item[],
  after: readonly Item[],
  {
    at,
    alike,
  }: {
    readonly at: (row: number, column: number) => number;
    readonly alike: (row: number, column: number) => number;
  },
): Pair<Item>[] {
  const found: Pair<Item>[] = [];
  let [row, column] = [0, 0];
  while (row < before.length && column < after.length) {
    const like = alike(row, column);
    if (like > 0 && like + at(row + 1, column + 1) === at(row, column)) {
      found.push([before[row++], after[column++]]);
    } else if (at(row + 1, column) >= at(row, column + 1)) found.push([before[row++], undefined]);
    else found.push([undefined, after[column++]]);
  }
  while (row < before.length) found.push([before[row++], undefined]);
  while (column < after.length) found.push([undefined, after[column++]]);
  return found;
}
