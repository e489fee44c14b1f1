import type { LineRun } from './line-run.ts';
import { type MarkFinder, partsOf } from './part.ts';

/**
 * One segment in the original text, with what surrounds it: blanks before it from `from` to
 * `start`, its characters up to `end`, its line end up to `next`. Once changed, it has its own
 * text.
 */
export class Line {
  /** The segment's name as a number (`nameCode`), 0 for a line that is not a segment. */
  readonly code: number;
  readonly #marks: MarkFinder;
  /** What it is in; undefined once it was removed. */
  run: LineRun | undefined;
  source: string;
  from: number;
  start: number;
  end: number;
  next: number;
  /** Positions of the separators found so far; the segment is searched only as far as needed. */
  #separators: number[] | undefined;
  #searched = false;
  /** The repetitions of a slot that was asked for them one after the other. */
  #opened: { readonly slot: number; readonly parts: string[] } | undefined;

  constructor(source: string, [from, start, end, next]: LineSpan, code: number, marks: MarkFinder) {
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
    // as `#upTo`, written out: every read comes here, and one call less is what V8 still inlines
    this.#separators ??= [];
    const separators = this.#separators;
    if (separators.length <= n && !this.#searched) this.#search(separators, n, separator);
    if (n > separators.length) return '';
    const from = n === 0 ? this.start : (separators[n - 1] ?? 0) + 1;
    return this.source.slice(from, separators[n] ?? this.end);
  }

  /** Like `slot`, for one of many segments that is read only once: remembers nothing. */
  peek(n: number, separator: string): string {
    const { source, end } = this;
    let from = this.start;
    for (let at = 0; ; at++) {
      const found = this.#marks.find(source, separator, from, end);
      if (at === n) return source.slice(from, found < 0 ? end : found);
      if (found < 0) return '';
      from = found + 1;
    }
  }

  /** How many separators the segment has. */
  slots(separator: string): number {
    return this.#upTo(Number.MAX_SAFE_INTEGER, separator).length;
  }

  replaceSlot(n: number, separator: string, value: string): void {
    const separators = this.#upTo(n, separator);
    if (n > separators.length) {
      const missing = separator.repeat(n - separators.length);
      if (value !== '') this.rewrite(this.text + missing + value);
      return;
    }
    const from = n === 0 ? this.start : (separators[n - 1] ?? 0) + 1;
    const to = separators[n] ?? this.end;
    this.rewrite(this.source.slice(this.start, from) + value + this.source.slice(to, this.end));
  }

  /** The repetitions of a slot, kept until the segment changes. */
  repetitions(n: number, { field, repetition, release }: SlotMarks): readonly string[] {
    if (this.#opened?.slot !== n) {
      this.#opened = { slot: n, parts: partsOf(this.slot(n, field), repetition, release) };
    }
    return this.#opened.parts;
  }

  /** Replaces one of the repetitions that a slot has, from 0; removes it if no value is given. */
  replaceRepetition(n: number, at: number, { value, marks }: NewRepetition): void {
    const parts = this.repetitions(n, marks) as string[];
    let from = n === 0 ? this.start : (this.#upTo(n, marks.field)[n - 1] ?? 0) + 1;
    for (let before = 0; before < at; before++) from += (parts[before]?.length ?? 0) + 1;
    let to = from + (parts[at]?.length ?? 0);
    if (value !== undefined) {
      parts[at] = value;
    } else if (parts.length > 1) {
      // with the separator after it, or before the last
      if (at + 1 < parts.length) to += 1;
      else from -= 1;
      parts.splice(at, 1);
    } else {
      parts[0] = '';
    }
    const { source } = this;
    this.rewrite(source.slice(this.start, from) + (value ?? '') + source.slice(to, this.end));
    this.#opened = { slot: n, parts };
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
    this.#separators = undefined;
    this.#searched = false;
    this.#opened = undefined;
  }

  /** The separators, at least up to the nth, counted from 0. */
  #upTo(n: number, separator: string): readonly number[] {
    // created only when needed: most segments of a large body are never searched
    this.#separators ??= [];
    if (this.#separators.length <= n && !this.#searched) {
      this.#search(this.#separators, n, separator);
    }
    return this.#separators;
  }

  #search(separators: number[], n: number, separator: string): void {
    const { source, end } = this;
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

/** Where the blanks before a segment begin, where its characters begin and end, and where the next line begins. */
export type LineSpan = readonly [from: number, start: number, end: number, next: number];

interface SlotMarks {
  readonly field: string;
  readonly repetition: string;
  readonly release: string;
}

interface NewRepetition {
  readonly value: string | undefined;
  readonly marks: SlotMarks;
}
