import type { MarkFinder } from './part.ts';

/**
 * One segment in the original text, with what surrounds it: blanks before it from `from` to
 * `start`, its characters up to `end`, its line end up to `next`. Once changed, it has its own
 * text.
 */
export class Line {
  /** The segment's name as a number (`nameCode`), 0 for a line that is not a segment. */
  readonly code: number;
  readonly #marks: MarkFinder;
  source: string;
  from: number;
  start: number;
  end: number;
  next: number;
  /** Positions of the separators found so far; the segment is searched only as far as needed. */
  #separators: number[] = [];
  #searched = false;

  constructor(source: string, from: number, [start, end, next]: Span, { code, marks }: Kind) {
    this.code = code;
    this.#marks = marks;
    this.source = source;
    this.from = from;
    this.start = start;
    this.end = end;
    this.next = next;
  }

  get text(): string {
    return this.source.slice(this.start, this.end);
  }

  /** The characters between the nth and the next separator; `''` beyond the last. Slot 0 is the name. */
  slot(n: number, separator: string): string {
    const separators = this.#separators;
    if (separators.length <= n && !this.#searched) this.#search(separator, n);
    if (n > separators.length) return '';
    const from = n === 0 ? this.start : (separators[n - 1] ?? 0) + 1;
    return this.source.slice(from, separators[n] ?? this.end);
  }

  /** How many separators the segment has. */
  slots(separator: string): number {
    if (!this.#searched) this.#search(separator, Number.MAX_SAFE_INTEGER);
    return this.#separators.length;
  }

  replaceSlot(n: number, separator: string, value: string): void {
    const separators = this.#separators;
    if (separators.length <= n && !this.#searched) this.#search(separator, n);
    if (n > separators.length) {
      const missing = separator.repeat(n - separators.length);
      if (value !== '') this.rewrite(this.text + missing + value);
      return;
    }
    const from = n === 0 ? this.start : (separators[n - 1] ?? 0) + 1;
    const to = separators[n] ?? this.end;
    this.rewrite(this.source.slice(this.start, from) + value + this.source.slice(to, this.end));
  }

  /** Replaces the characters of the segment; blanks before it and its line end stay. */
  rewrite(text: string): void {
    const before = this.source.slice(this.from, this.start);
    this.#own(before, text, this.source.slice(this.end, this.next));
  }

  endWith(lineEnd: string): void {
    if (this.next === this.end)
      this.#own(this.source.slice(this.from, this.start), this.text, lineEnd);
  }

  #own(before: string, text: string, lineEnd: string): void {
    this.source = before + text + lineEnd;
    this.from = 0;
    this.start = before.length;
    this.end = this.start + text.length;
    this.next = this.source.length;
    this.#separators = [];
    this.#searched = false;
  }

  /** Finds separators up to the nth, counted from 0. */
  #search(separator: string, n: number): void {
    const { source, end } = this;
    const separators = this.#separators;
    const last = separators[separators.length - 1];
    let from = last === undefined ? this.start : last + 1;
    while (separators.length <= n) {
      const found = this.#marks.find(source, separator, from, end);
      if (found < 0) {
        this.#searched = true;
        return;
      }
      separators.push(found);
      from = found + 1;
    }
  }
}

/** Where a segment's characters begin and end, and where the next line begins. */
export type Span = readonly [start: number, end: number, next: number];

interface Kind {
  readonly code: number;
  readonly marks: MarkFinder;
}
