import { Line } from './line.ts';
import type { MarkFinder } from './part.ts';
import { nameCode } from './segment-path.ts';

/** A new text, or a range of the original one. */
export type Piece = string | readonly [from: number, to: number];

/** How one kind of body is cut into segments. Made for one text. */
export interface Cutter {
  /** How this body ends its segments, for those that are added. */
  readonly lineEnd: string;
  /** Finds the separators of this body. */
  readonly marks: MarkFinder;
  /** Whether a character before a segment is not part of it. */
  isBlank(code: number): boolean;
  /** Where the segment that begins at `start` ends: at its terminator, or at the end of the text. */
  end(start: number): number;
  /** Where the line of a segment that ends at `end` ends. */
  next(end: number): number;
  /** The name of a segment as a number (`nameCode`), 0 for a line that is not a segment. */
  code(start: number, end: number): number;
}

/**
 * The segments of a body in order, found one after the other as they are asked for. What was not asked for
 * is never looked at and is written back as the text it is. Blank lines and indentation belong to the next
 * segment.
 */
export class LineList {
  readonly #text: string;
  readonly #cutter: Cutter;
  readonly #lines: Line[] = [];
  readonly #start: number;
  /** Everything before this position is in `#lines`. */
  #at = 0;
  #changed = false;
  #order = 0;

  /** `start`: where the first segment begins, after a BOM or blanks. */
  constructor(text: string, start: number, cutter: Cutter) {
    this.#text = text;
    this.#start = start;
    this.#cutter = cutter;
  }

  get changed(): boolean {
    return this.#changed;
  }

  touch(): void {
    this.#changed = true;
  }

  /** Changes whenever a segment is added or removed. */
  get order(): number {
    return this.#order;
  }

  /** The nth segment, from 0. */
  at(index: number): Line | undefined {
    while (this.#lines.length <= index) {
      if (!this.#scan()) return undefined;
    }
    return this.#lines[index];
  }

  /** The nth segment with a name, from 1. */
  find(code: number, n: number): Line | undefined {
    let left = n;
    for (let index = 0; ; index++) {
      const line = this.#lines[index] ?? this.at(index);
      if (line === undefined) return undefined;
      if (line.code === code && --left === 0) return line;
    }
  }

  /** Every segment with a name, or all lines. */
  all(code?: number): Line[] {
    while (this.#scan());
    return code === undefined ? [...this.#lines] : this.#lines.filter((line) => line.code === code);
  }

  /** The lines themselves, which later changes also change. */
  whole(): readonly Line[] {
    while (this.#scan());
    return this.#lines;
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

  /** Adds a new segment before the one at `index`; at the end if there is none. */
  insert(index: number, text: string): Line {
    const { lineEnd, marks } = this.#cutter;
    this.at(index);
    const place = Math.min(index, this.#lines.length);
    this.#lines[place - 1]?.endWith(lineEnd);
    const span = [0, 0, text.length, text.length + lineEnd.length] as const;
    const line = new Line(text + lineEnd, span, nameCode(text), marks);
    this.#lines.splice(place, 0, line);
    this.#changed = true;
    this.#order += 1;
    return line;
  }

  remove(lines: ReadonlySet<Line>): void {
    if (lines.size === 0) return;
    const all = this.#lines;
    const [first] = lines;
    const from = first === undefined ? -1 : all.indexOf(first);
    let until = from;
    for (let line = all[until]; line !== undefined && lines.has(line); line = all[until]) until++;
    if (until - from === lines.size) {
      // usually they are adjacent
      all.splice(from, lines.size);
    } else {
      const kept = all.filter((line) => !lines.has(line));
      all.length = 0;
      for (const line of kept) all.push(line);
    }
    this.#changed = true;
    this.#order += 1;
  }

  /** The whole body. */
  text(): string {
    if (!this.#changed) return this.#text;
    let text = '';
    for (const piece of this.pieces()) {
      text += typeof piece === 'string' ? piece : this.#text.slice(piece[0], piece[1]);
    }
    return text;
  }

  /** The body as stretches of the original text, from and to, and new texts between them. */
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
    const cutter = this.#cutter;
    const from = this.#at;
    let start = from === 0 ? this.#start : from;
    while (start < text.length && cutter.isBlank(text.charCodeAt(start))) start++;
    if (start >= text.length) return false;
    const end = cutter.end(start);
    const next = cutter.next(end);
    const code = cutter.code(start, end);
    this.#lines.push(new Line(text, [from, start, end, next], code, cutter.marks));
    this.#at = next;
    return true;
  }
}
