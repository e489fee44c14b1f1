/** Reading and changing the parts of a text between separators. Parts count from 1; an empty separator means that there is one part. */

/** The nth part, `''` beyond the last. */
export function partOf(text: string, separator: string, n: number): string {
  if (separator === '') return n === 1 ? text : '';
  let from = 0;
  for (let at = 1; at < n; at++) {
    const found = text.indexOf(separator, from);
    if (found < 0) return '';
    from = found + 1;
  }
  const end = text.indexOf(separator, from);
  if (end >= 0) return text.slice(from, end);
  return from === 0 ? text : text.slice(from);
}

export function partsOf(text: string, separator: string): string[] {
  return separator === '' || !text.includes(separator) ? [text] : text.split(separator);
}

/** The text with its nth part replaced, lengthened with empty parts if it is too short; unchanged when an empty value lies beyond its end. */
export function withPart(text: string, separator: string, n: number, value: string): string {
  if (n === 1 && (separator === '' || !text.includes(separator))) return value;
  const parts = partsOf(text, separator);
  if (n > parts.length && value === '') return text;
  while (parts.length < n) parts.push('');
  parts[n - 1] = value;
  return parts.join(separator);
}
