import { Line } from './line.ts';
import { nameCode } from './path.ts';

const CR = 13;
const LF = 10;
const BLANK = 32;

/** A new text, or from where to where in the original one. */
export type Piece = string | readonly [from: number, to: number];

/**
 * The segments of a message in order, found one after the other as they are asked for. What nobody
 * asked for is never looked at and is written back as the text it is.
 *
 * Segments end at CR (a following LF belongs to it). Only where the first line ends with LF does LF end
 * segments: elsewhere it is part of a value. Blank lines and indentation belong to the next segment.
 */
export class LineList {
  readonly #text: string;
  readonly #separator: number;
  readonly #lines: Line[] = [];
  readonly #start: number;
  /** Everything before this position is in `#lines`. */
  #at = 0;
  #lineEnd: string | undefined;
  #nextCr = -2;
  #changed = false;

  /** `start`: where the first segment begins, after a BOM or blanks. */
  constructor(text: string, start: number, separator: string) {
    this.#text = text;
    this.#start = start;
    this.#separator = separator.charCodeAt(0);
  }

  get changed(): boolean {
    return this.#changed;
  }

  touch(): void {
    this.#changed = true;
  }

  /** The nth segment of all, from 0. */
  at(index: number): Line | undefined {
    while (this.#lines.length <= index) {
      if (!this.#scan()) return undefined;
    }
    return this.#lines[index];
  }

  /** The nth segment of a name, from 1. */
  find(code: number, n: number): Line | undefined {
    let left = n;
    for (let index = 0; ; index++) {
      const line = this.#lines[index] ?? this.at(index);
      if (line === undefined) return undefined;
      if (line.code === code && --left === 0) return line;
    }
  }

  /** Every segment of a name, or all lines. */
  all(code?: number): Line[] {
    while (this.#scan());
    return code === undefined ? [...this.#lines] : this.#lines.filter((line) => line.code === code);
  }

  count(code?: number): number {
    while (this.#scan());
    if (code === undefined) return this.#lines.length;
    let count = 0;
    for (const line of this.#lines) if (line.code === code) count++;
    return count;
  }

  indexOf(line: Line): number {
    return this.#lines.indexOf(line);
  }

  /** Puts a new segment before the one at `index`; at the end if there is none. */
  insert(index: number, text: string): Line {
    const lineEnd = this.lineEnd;
    this.at(index);
    const place = Math.min(index, this.#lines.length);
    this.#lines[place - 1]?.endWith(lineEnd);
    const span = [0, text.length, text.length + lineEnd.length] as const;
    const line = new Line(text + lineEnd, 0, span, nameCode(text));
    this.#lines.splice(place, 0, line);
    this.#changed = true;
    return line;
  }

  remove(lines: ReadonlySet<Line>): void {
    if (lines.size === 0) return;
    const kept = this.#lines.filter((line) => !lines.has(line));
    this.#lines.length = 0;
    for (const line of kept) this.#lines.push(line);
    this.#changed = true;
  }

  /** How this message ends its segments. */
  get lineEnd(): string {
    this.#lineEnd ??= lineEndOf(this.#text, this.#start);
    return this.#lineEnd;
  }

  /** The whole message. */
  text(): string {
    if (!this.#changed) return this.#text;
    let text = '';
    for (const piece of this.pieces()) {
      text += typeof piece === 'string' ? piece : this.#text.slice(piece[0], piece[1]);
    }
    return text;
  }

  /** The message as stretches of the original text, from and to, and new texts between them. */
  pieces(): Piece[] {
    const pieces: Piece[] = [];
    const text = this.#text;
    let from = 0;
    let to = 0;
    for (const line of this.#lines) {
      if (line.source === text && line.from === to) {
        to = line.next;
        continue;
      }
      if (to > from) pieces.push([from, to]);
      if (line.source !== text) pieces.push(line.source);
      from = line.source === text ? line.from : 0;
      to = line.source === text ? line.next : 0;
    }
    if (to === this.#at) return [...pieces, [from, text.length]];
    if (to > from) pieces.push([from, to]);
    return [...pieces, [this.#at, text.length]];
  }

  #scan(): boolean {
    const text = this.#text;
    const from = this.#at;
    let start = from === 0 ? this.#start : from;
    while (start < text.length && isBlank(text.charCodeAt(start))) start++;
    if (start >= text.length) return false;
    const found = this.#end(start);
    const end = found < 0 ? text.length : found;
    let next = Math.min(end + 1, text.length);
    if (text.charCodeAt(end) === CR && text.charCodeAt(next) === LF) next++;
    this.#lines.push(new Line(text, from, [start, end, next], this.#code(start, end)));
    this.#at = next;
    return true;
  }

  #end(start: number): number {
    if (this.lineEnd !== '\n') return this.#text.indexOf('\r', start);
    if (this.#nextCr !== -1 && this.#nextCr < start) this.#nextCr = this.#text.indexOf('\r', start);
    const lf = this.#text.indexOf('\n', start);
    return this.#nextCr >= 0 && (lf < 0 || this.#nextCr < lf) ? this.#nextCr : lf;
  }

  #code(start: number, end: number): number {
    const text = this.#text;
    if (end - start < 3) return 0;
    if (end - start > 3 && text.charCodeAt(start + 3) !== this.#separator) return 0;
    const first = text.charCodeAt(start);
    const second = text.charCodeAt(start + 1);
    const third = text.charCodeAt(start + 2);
    return (first | second | third) > 127 ? 0 : (first << 16) | (second << 8) | third;
  }
}

function isBlank(code: number): boolean {
  return code <= BLANK && (code === BLANK || code === CR || code === LF || code === 9);
}

function lineEndOf(text: string, start: number): string {
  const cr = text.indexOf('\r', start);
  const line = cr < 0 ? text : text.slice(start, cr);
  if (line.includes('\n')) return '\n';
  return text.charCodeAt(cr + 1) === LF && cr >= 0 ? '\r\n' : '\r';
}
