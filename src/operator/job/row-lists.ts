/**
 * Lists of the same few lengths, so that statements about them are prepared once: the last value is
 * repeated.
 */
export function padded<Value>(values: readonly Value[]): readonly Value[] {
  const last = values.at(-1);
  if (last === undefined) return values;
  let length = 1;
  while (length < values.length) length *= 4;
  return [...values, ...Array<Value>(length - values.length).fill(last)];
}
