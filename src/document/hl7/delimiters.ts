import type { Marks } from '../segment/place.ts';

/** The characters a message is written with, from MSH-1 and MSH-2. One that the sender left out is `''`. */
export interface Delimiters extends Marks {
  readonly escape: string;
  /** MSH-2 as written, with a truncation character if it has one. */
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
 * Reads the delimiters of the header segment that begins at `start`; undefined if they cannot be
 * used: blank, alphanumeric, not ASCII or not all different.
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

/** The delimiters from MSH-1 and MSH-2; undefined if they cannot be used. */
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
  return { field, component, repetition, escape, subcomponent, encoding, special, release: '' };
}
