/** A value with its letters and digits hidden: a letter becomes `X` or `x`, a digit `0`, and what separates stays. */
export function masked(value: string): string {
  if (isPlain(value)) {
    return value.replaceAll(/[A-Z]/g, 'X').replaceAll(/[a-z]/g, 'x').replaceAll(/\d/g, '0');
  }
  return value
    .replaceAll(/\p{Lu}/gu, 'X')
    .replaceAll(/(?!X)[\p{L}\p{M}]/gu, 'x')
    .replaceAll(/\p{N}/gu, '0');
}

/** Of printable ASCII: most values are, and a body has a million of them. */
const isPlain = (value: string): boolean => /^[ -~]*$/.test(value);
