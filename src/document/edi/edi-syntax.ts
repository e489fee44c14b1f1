import type { Marks } from '../segment/place.ts';

/** The delimiters of an interchange; `''` for one that it does not have. */
export interface EdiSyntax extends Marks {
  readonly kind: 'x12' | 'edifact';
  /** Ends a segment. */
  readonly terminator: string;
}

/** Where an interchange begins, and how it is written. */
export interface EdiStart {
  /** Where its first segment begins. */
  readonly at: number;
  readonly syntax: EdiSyntax;
}

/** Why an interchange cannot be read: a full sentence. */
export interface NoStart {
  readonly problem: string;
}

/** Whether a character may be a delimiter: not a letter, a digit or a blank. */
export function canSeparate(character: string): boolean {
  return character.length === 1 && !/[\p{L}\p{N}\p{Cs} \uFFFD]/u.test(character);
}

/** Whether delimiters differ from each other; those that are `''` do not count. */
export function areApart(delimiters: readonly string[]): boolean {
  const used = delimiters.filter((one) => one !== '');
  return new Set(used).size === used.length;
}

/** The position of the first character that is neither blank nor a byte order mark. */
export function firstCharacter(text: string): number {
  let at = 0;
  while (at < text.length && isBlank(text.charCodeAt(at))) at++;
  return at;
}

function isBlank(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13) || code === 0xfeff;
}
