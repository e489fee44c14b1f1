import type { FoundLines } from './found-lines.ts';
import { Line } from './line.ts';
import type { MarkFinder } from './part.ts';

/** How many lines a run has before it is split. */
export const LONGEST = 512;

/** How often a run is walked before its names are counted: a few reads of a large body need no counts. */
const WALKS = 4;

/** A run with fewer lines is faster to walk than to count. */
const SHORT = 64;

/** The nth of the lines with a name, up to one of them. */
export interface Wanted {
  readonly code: number;
  /** How many are still to be passed, with the wanted one. */
  left: number;
  /** Undefined for the last of all. */
  readonly last: Line | undefined;
  /** Whether `last` was passed. */
  isPast: boolean;
}

/** Lines that were found in a text and are not asked for yet. */
export interface Unopened {
  readonly found: FoundLines;
  readonly text: string;
  readonly marks: MarkFinder;
}

/** Neighbouring lines of a body. */
export class LineRun {
  /** Its place among the runs of its body. */
  place: number;
  /** What its lines are made from one by one; undefined once all of them are there. */
  #unopened: Unopened | undefined;
  #lines: (Line | undefined)[];
  #counts: Map<number, number> | undefined;
  #walks = 0;
  /** Where a line was found last. */
  #last = 0;

  constructor(place: number, lines: Line[] = [], unopened?: Unopened) {
    this.place = place;
    this.#lines = lines;
    this.#unopened = unopened;
    for (const line of lines) line.run = this;
  }

  get length(): number {
    return this.#unopened?.found.length ?? this.#lines.length;
  }

  /** All its lines, as objects. */
  get lines(): Line[] {
    const unopened = this.#unopened;
    if (unopened !== undefined) {
      const { length } = unopened.found;
      this.#lines = Array.from({ length }, (_, at) => this.#lines[at] ?? this.#open(unopened, at));
      this.#unopened = undefined;
    }
    return this.#lines as Line[];
  }

  /** All its lines if they are there as objects. */
  get opened(): readonly Line[] | undefined {
    return this.#unopened === undefined ? (this.#lines as Line[]) : undefined;
  }

  at(index: number): Line | undefined {
    const unopened = this.#unopened;
    if (unopened === undefined || index < 0 || index >= unopened.found.length) {
      return this.#lines[index];
    }
    this.#lines[index] ??= this.#open(unopened, index);
    return this.#lines[index];
  }

  /** The name of one of its lines as a number. */
  codeAt(index: number): number {
    return this.#unopened?.found.code(index) ?? this.#lines[index]?.code ?? 0;
  }

  add(line: Line, at = this.length): void {
    const { lines } = this;
    line.run = this;
    if (at === lines.length) lines.push(line);
    else lines.splice(at, 0, line);
    if (this.#counts !== undefined) addCount(this.#counts, line.code, 1);
  }

  /** Without some lines that are in it. */
  remove(leaving: ReadonlySet<Line>): void {
    const { lines } = this;
    const [only] = leaving;
    if (leaving.size === 1 && only !== undefined) {
      lines.splice(this.indexOf(only), 1);
    } else {
      let kept = 0;
      for (const line of lines) if (!leaving.has(line)) lines[kept++] = line;
      lines.length = kept;
    }
    if (this.#counts === undefined) return;
    for (const { code } of leaving) addCount(this.#counts, code, -1);
  }

  /** Its second half, as a run that comes after it. */
  split(): LineRun {
    const { lines } = this;
    const rest = lines.splice(lines.length >> 1);
    this.#counts = undefined;
    this.#walks = 0;
    return new LineRun(this.place + 1, rest);
  }

  indexOf(line: Line): number {
    const lines = this.#lines;
    // lines are mostly asked for in their order
    if (lines[this.#last] !== line) {
      this.#last = lines[this.#last + 1] === line ? this.#last + 1 : lines.indexOf(line);
    }
    return this.#last;
  }

  /** How many lines have a name if they are fewer than `n`; undefined too as long as it is not worth counting. */
  countIfFewer(code: number, n: number): number | undefined {
    if (this.length < SHORT) return undefined;
    if (this.#counts === undefined && this.#walks++ < WALKS) return undefined;
    const count = this.count(code);
    return count < n ? count : undefined;
  }

  /** Looks for a line from an index on. */
  find(wanted: Wanted, from: number): Line | undefined {
    const { length } = this;
    const until = wanted.last?.run === this ? this.indexOf(wanted.last) : length;
    for (let at = from; at < length && at <= until; at++) {
      if (this.codeAt(at) === wanted.code && --wanted.left === 0) return this.at(at);
    }
    wanted.isPast = until < length;
    return undefined;
  }

  /** The stretches of the text that its lines are, and what is new between them. */
  *pieces(text: string): Generator<string | readonly [from: number, to: number]> {
    const found = this.#unopened?.found;
    let at = 0;
    const { length } = this;
    while (at < length) {
      const line = this.#lines[at];
      if (line === undefined && found !== undefined) {
        const from = found.fromOf(at);
        while (at < length && this.#lines[at] === undefined) at += 1;
        yield [from, found.nextOf(at - 1)];
        continue;
      }
      if (line !== undefined) yield line.source === text ? [line.from, line.next] : line.source;
      at += 1;
    }
  }

  count(code: number): number {
    return this.counts.get(code) ?? 0;
  }

  /** How many lines have each name. */
  get counts(): ReadonlyMap<number, number> {
    if (this.#counts === undefined) {
      this.#counts = new Map();
      for (let at = 0; at < this.length; at++) addCount(this.#counts, this.codeAt(at), 1);
    }
    return this.#counts;
  }

  #open({ found, text, marks }: Unopened, index: number): Line {
    const line = new Line(text, found.span(index), found.code(index), marks);
    line.run = this;
    return line;
  }
}

/** Changes the number of lines with a name. */
export function addCount(counts: Map<number, number>, code: number, count: number): void {
  counts.set(code, (counts.get(code) ?? 0) + count);
}
