import {
  type Written,
  type WrittenEntry,
  type WrittenScalar,
} from '../definition/written/written.ts';

/** A position in a text: line and column from 1, as in problems. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** From the first character up to the one after the last. */
export interface Span {
  readonly start: Position;
  readonly end: Position;
}

const isBefore = (a: Position, b: Position): boolean =>
  a.line < b.line || (a.line === b.line && a.column < b.column);

export const contains = ({ start, end }: Span, at: Position): boolean =>
  !isBefore(at, start) && !isBefore(end, at);

const positionOf = ({ line, column }: Position): Position => ({ line, column });

/** The name of a key, without its quotes. */
export function spanOfKey({ key, place }: WrittenEntry, lines: readonly string[]): Span {
  const quote = /["']/.test(lines[place.line - 1]?.charAt(place.column - 1) ?? '') ? 1 : 0;
  const start = { line: place.line, column: place.column + quote };
  return { start, end: { line: start.line, column: start.column + key.length } };
}

/** A part of a value's text, or all of it, without its quotes. */
export function spanInScalar(
  { source, placeOf }: WrittenScalar,
  from = 0,
  to = source.length,
): Span {
  const start = positionOf(placeOf(from));
  // the place after the last character may be on the next line
  const last = to > from ? positionOf(placeOf(to - 1)) : undefined;
  return {
    start,
    end: last === undefined ? start : { line: last.line, column: last.column + 1 },
  };
}

/** The offset of a position in a value's text, counted from 0. */
export function offsetIn({ source, placeOf }: WrittenScalar, at: Position): number {
  let [low, high] = [0, source.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(positionOf(placeOf(middle)), at)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Where a value ends. */
export function endOf(written: Written): Position {
  if (written.kind === 'scalar') return spanInScalar(written).end;
  const parts =
    written.kind === 'list'
      ? written.items
      : [...written.entries.values()].map(({ value }) => value);
  return parts
    .map(endOf)
    .reduce((last, one) => (isBefore(last, one) ? one : last), positionOf(written.place));
}
