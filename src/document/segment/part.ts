/**
 * Reading and changing the parts of a text between separators. Parts count from 1; an empty separator means
 * that there is one part. A separator after the release character, if there is one, separates nothing.
 */
import { EngineError } from '../../error/engine-error.ts';

// Every read calls these functions: they are short so that V8 inlines them.

/** The nth part, `''` beyond the last. */
export function partOf(text: string, separator: string, n: number, release = ''): string {
  if (separator === '') return n === 1 ? text : '';
  let from = 0;
  for (let at = 1; ; at++) {
    const end = indexOfMark(text, separator, from, release);
    if (at === n) return text.slice(from, end < 0 ? text.length : end);
    if (end < 0) return '';
    from = end + 1;
  }
}

export function partsOf(text: string, separator: string, release = ''): string[] {
  if (separator === '' || !text.includes(separator)) return [text];
  if (release === '' || !text.includes(release)) return text.split(separator);
  const parts: string[] = [];
  let from = 0;
  for (;;) {
    const found = indexOfMark(text, separator, from, release);
    if (found < 0) return [...parts, text.slice(from)];
    parts.push(text.slice(from, found));
    from = found + 1;
  }
}

/** Whether the text contains a separator. */
export function hasPart(text: string, separator: string, release = ''): boolean {
  return separator !== '' && indexOfMark(text, separator, 0, release) >= 0;
}

/**
 * The text with its nth part replaced, extended with empty parts if it is too short; unchanged if
 * an empty value would be beyond its end.
 */
export function withPart(
  text: string,
  separator: string,
  n: number,
  { value, release }: { readonly value: string; readonly release: string },
): string {
  if (n === 1 && (separator === '' || !text.includes(separator))) return value;
  const parts = partsOf(text, separator, release);
  if (n > parts.length && value === '') return text;
  if (separator === '' && n > 1) throw noSeparator(n);
  while (parts.length < n) parts.push('');
  parts[n - 1] = value;
  return parts.join(separator);
}

function noSeparator(n: number): EngineError {
  return new EngineError(
    'PATH_INVALID',
    `Part ${n} of a place cannot be written: its header declares no separator for it. Write only part 1, or start with a body that declares one.`,
  );
}

/**
 * The position of a mark that is not preceded by a release character; -1 if there is none. `from` is
 * the beginning of a part. Without a release character (`''`) every mark counts.
 */
export function indexOfMark(text: string, mark: string, from: number, release: string): number {
  return release === '' ? text.indexOf(mark, from) : indexOfUnreleased(text, mark, from, release);
}

function indexOfUnreleased(text: string, mark: string, from: number, release: string): number {
  let at = text.indexOf(mark, from);
  while (at >= 0 && isReleased(text, from, at, release)) at = text.indexOf(mark, at + 1);
  return at;
}

/** A release character applies to the next character, even another release character. */
function isReleased(text: string, from: number, at: number, release: string): boolean {
  let first = at;
  while (first > from && text[first - 1] === release) first--;
  return (at - first) % 2 === 1;
}

/**
 * Finds marks in the segments of one text. What a search found after the end of its segment is remembered:
 * otherwise each segment without any mark would cause a search to the end of the text.
 */
export class MarkFinder {
  readonly release: string;
  #source = '';
  #mark = '';
  #from = 0;
  #at = 0;

  constructor(release: string) {
    this.release = release;
  }

  /** The next mark from `from` on and before `end`; -1 if there is none. */
  find(source: string, mark: string, from: number, end: number): number {
    if (from >= this.#from && from <= this.#at && source === this.#source && mark === this.#mark) {
      return this.#at < end ? this.#at : -1;
    }
    const found = indexOfMark(source, mark, from, this.release);
    if (found >= 0 && found < end) return found;
    this.#source = source;
    this.#mark = mark;
    this.#from = from;
    this.#at = found < 0 ? source.length : found;
    return -1;
  }
}
