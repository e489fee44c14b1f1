/** The characters a message is written with, from MSH-1 and MSH-2. One that the sender left out is `''`. */
export interface Delimiters {
  readonly field: string;
  readonly component: string;
  readonly repetition: string;
  readonly escape: string;
  readonly subcomponent: string;
  /** MSH-2 as it stands, with a truncation character if it has one. */
  readonly encoding: string;
  /** Matches what needs escaping in a plain value. */
  readonly special: RegExp;
}

export const DEFAULT_DELIMITERS: Delimiters = delimitersOf('|', '^~\\&');

/** The segments that define delimiters; their field 1 is the field separator itself. */
export function isHeaderName(name: string): boolean {
  return name === 'MSH' || name === 'BHS' || name === 'FHS';
}

/**
 * Reads the delimiters of the header segment that begins at `start`; undefined if they cannot be used:
 * blank, alphanumeric, not ASCII or the same twice.
 */
export function delimitersAt(text: string, start: number): Delimiters | undefined {
  if (text.startsWith('|^~\\&|', start + 3)) return DEFAULT_DELIMITERS;
  const field = text.charAt(start + 3);
  let end = start + 4;
  while (end < text.length && text[end] !== field && text[end] !== '\r' && text[end] !== '\n') {
    end++;
  }
  return usableDelimiters(field, text.slice(start + 4, end));
}

/** Delimiters of the given MSH-1 and MSH-2; undefined if they cannot be used. */
export function usableDelimiters(field: string, encoding: string): Delimiters | undefined {
  const all = field + encoding;
  if (encoding === '' || encoding.length > 5 || field.length !== 1) return undefined;
  if (/[^!-~]|[A-Za-z\d]/.test(all) || new Set(all).size !== all.length) return undefined;
  return delimitersOf(field, encoding);
}

function delimitersOf(field: string, encoding: string): Delimiters {
  const [component = '', repetition = '', escape = '', subcomponent = ''] = encoding;
  const all = `${field}${encoding.slice(0, 4)}\r\n`;
  const special = new RegExp(`[${all.replaceAll(/[\\\]^-]/g, '\\$&')}]`);
  return { field, component, repetition, escape, subcomponent, encoding, special };
}

/** The nth part between separators, `''` beyond the last. Parts count from 1; an empty separator means that there is one part. */
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
