/** The median of the values, 0 for none; it is not affected by a round disturbed by other work. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
