import type { Cutter } from '../segment/line-list.ts';
import { indexOfMark, MarkFinder } from '../segment/part.ts';
import type { EdiStart, EdiSyntax } from './edi-syntax.ts';

const CR = 13;
const LF = 10;

/** Splits an interchange at its segment terminator; line ends after it belong to the segment. */
export class EdiCutter implements Cutter {
  readonly marks: MarkFinder;
  readonly #text: string;
  readonly #start: EdiStart;
  readonly #syntax: EdiSyntax;
  readonly #blanks: ReadonlySet<number>;
  #lineEnd: string | undefined;

  constructor(text: string, start: EdiStart) {
    const { syntax } = start;
    this.#text = text;
    this.#start = start;
    this.#syntax = syntax;
    this.marks = new MarkFinder(syntax.release);
    const used = new Set([syntax.field, syntax.component, syntax.repetition, syntax.terminator]);
    // line ends, and what mainframes pad files with
    this.#blanks = new Set(
      [CR, LF, 32, 9, 0, 0x1a].filter((code) => !used.has(String.fromCharCode(code))),
    );
  }

  get lineEnd(): string {
    this.#lineEnd ??= this.#firstLineEnd();
    return this.#lineEnd;
  }

  isBlank(code: number): boolean {
    return code <= 32 && this.#blanks.has(code);
  }

  end(start: number): number {
    const { terminator, release } = this.#syntax;
    const text = this.#text;
    const from = this.#behindBinary(start);
    const found = indexOfMark(text, terminator, from, release);
    return found < 0 ? text.length : found;
  }

  next(end: number): number {
    const text = this.#text;
    let next = Math.min(end + 1, text.length);
    while (next < text.length && isLineEnd(text.charCodeAt(next)) && this.#isBlankAt(next)) next++;
    return next;
  }

  code(start: number, end: number): number {
    const text = this.#text;
    let length = 0;
    while (
      length < 4 &&
      start + length < end &&
      isOfName(text.charCodeAt(start + length), length)
    ) {
      length++;
    }
    if (length !== 2 && length !== 3) return 0;
    const behind = start + length;
    const { field, component } = this.#syntax;
    if (behind < end && text[behind] !== field && text[behind] !== component) return 0;
    const third = length === 3 ? text.charCodeAt(start + 2) : 0;
    return (text.charCodeAt(start) << 16) | (text.charCodeAt(start + 1) << 8) | third;
  }

  #isBlankAt(at: number): boolean {
    return this.#blanks.has(this.#text.charCodeAt(at));
  }

  #firstLineEnd(): string {
    const end = this.end(this.#start.at);
    const line = this.#text.slice(end, Math.min(this.next(end), end + 3));
    return line === '' ? this.#syntax.terminator : line;
  }

  /**
   * The first element of BIN in X12 says how many octets follow, which may be any: characters, where the body is read as
   * ISO 8859-1, otherwise what UTF-8 takes for them.
   */
  #behindBinary(start: number): number {
    const text = this.#text;
    const { field, terminator, kind } = this.#syntax;
    if (kind !== 'x12' || !text.startsWith(`BIN${field}`, start)) return start;
    const length = /^\d{1,15}/.exec(text.slice(start + 4, start + 19))?.[0] ?? '';
    const data = start + 4 + length.length + 1;
    if (length === '' || text[data - 1] !== field) return start;
    const end = data + Number(length);
    if (text[end] === terminator) return end;
    const octets = behindOctets(text, data, Number(length));
    return text[octets] === terminator ? octets : start;
  }
}

/** Where as many octets of UTF-8 end. */
function behindOctets(text: string, from: number, octets: number): number {
  let left = octets;
  let at = from;
  while (left > 0 && at < text.length) {
    const code = text.charCodeAt(at);
    // half of a surrogate pair takes two of its four
    left -= code < 0x80 ? 1 : code < 0x8_00 || (code >= 0xd8_00 && code < 0xe0_00) ? 2 : 3;
    at++;
  }
  return left === 0 ? at : -1;
}

function isLineEnd(code: number): boolean {
  return code === CR || code === LF;
}

function isOfName(code: number, at: number): boolean {
  return (code >= 65 && code <= 90) || (at > 0 && code >= 48 && code <= 57);
}
