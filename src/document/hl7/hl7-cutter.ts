import type { Cutter } from '../segment/line-list.ts';
import { MarkFinder } from '../segment/part.ts';

const CR = 13;
const LF = 10;
const BLANK = 32;

/**
 * Segments of HL7 end at CR (a following LF belongs to it). Only where the first line ends with LF does LF end
 * segments: elsewhere it is part of a value.
 */
export class Hl7Cutter implements Cutter {
  readonly marks = new MarkFinder('');
  readonly #text: string;
  readonly #start: number;
  readonly #separator: number;
  #lineEnd: string | undefined;
  #nextCr = -2;

  /** `start`: where the first segment begins. */
  constructor(text: string, start: number, separator: string) {
    this.#text = text;
    this.#start = start;
    this.#separator = separator.charCodeAt(0);
  }

  get lineEnd(): string {
    this.#lineEnd ??= lineEndOf(this.#text, this.#start);
    return this.#lineEnd;
  }

  isBlank(code: number): boolean {
    return code <= BLANK && (code === BLANK || code === CR || code === LF || code === 9);
  }

  end(start: number): number {
    const found = this.#terminator(start);
    return found < 0 ? this.#text.length : found;
  }

  next(end: number): number {
    const text = this.#text;
    const next = Math.min(end + 1, text.length);
    return text.charCodeAt(end) === CR && text.charCodeAt(next) === LF ? next + 1 : next;
  }

  code(start: number, end: number): number {
    const text = this.#text;
    if (end - start < 3) return 0;
    if (end - start > 3 && text.charCodeAt(start + 3) !== this.#separator) return 0;
    const first = text.charCodeAt(start);
    const second = text.charCodeAt(start + 1);
    const third = text.charCodeAt(start + 2);
    return (first | second | third) > 127 ? 0 : (first << 16) | (second << 8) | third;
  }

  #terminator(start: number): number {
    if (this.lineEnd !== '\n') return this.#text.indexOf('\r', start);
    if (this.#nextCr !== -1 && this.#nextCr < start) this.#nextCr = this.#text.indexOf('\r', start);
    const lf = this.#text.indexOf('\n', start);
    return this.#nextCr >= 0 && (lf < 0 || this.#nextCr < lf) ? this.#nextCr : lf;
  }
}

function lineEndOf(text: string, start: number): string {
  const cr = text.indexOf('\r', start);
  const line = cr < 0 ? text : text.slice(start, cr);
  if (line.includes('\n')) return '\n';
  return text.charCodeAt(cr + 1) === LF && cr >= 0 ? '\r\n' : '\r';
}
