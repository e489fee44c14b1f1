/** A value with its letters and digits hidden: a letter becomes `X` or `x`, a digit `0`, and separators stay. */
export function masked(value: string): string {
  if (isPlain(value)) {
    return value.replaceAll(/[A-Z]/g, 'X').replaceAll(/[a-z]/g, 'x').replaceAll(/\d/g, '0');
  }
  return value
    .replaceAll(/\p{Lu}/gu, 'X')
    .replaceAll(/(?!X)[\p{L}\p{M}]/gu, 'x')
    .replaceAll(/\p{N}/gu, '0');
}

/** Whether it is printable ASCII: most values are, and a body may have a million of them. */
const isPlain = (value: string): boolean => /^[ -~]*$/.test(value);
