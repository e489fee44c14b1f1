/** The part of a file that is asked for; both ends belong to it. */
export interface FileRange {
  readonly start: number;
  readonly end: number;
}

/** `bytes=0-99`, `bytes=100-` or `bytes=-100`. Undefined sends the whole file: other units, or several ranges. */
export function rangeOf(
  header: string | undefined,
  size: number,
): FileRange | 'outside' | undefined {
  const [, first = '', last = ''] =
    /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? '') ?? [];
  if (first === '') return last === '' ? undefined : lastBytes(Number(last), size);
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && Number(last) < start) return undefined;
  return start >= size ? 'outside' : { start, end };
}

function lastBytes(wanted: number, size: number): FileRange | 'outside' {
  const length = Math.min(wanted, size);
  return length === 0 ? 'outside' : { start: size - length, end: size - 1 };
}
