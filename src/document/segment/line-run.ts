import type { Line } from './line.ts';

/** How many lines a run has before it is split. */
export const LONGEST = 512;

/** How often a run is walked before its names are counted: a few reads of a large body need no counts. */
const WALKS = 4;

/** A run with fewer lines is faster to walk than to count. */
const SHORT = 64;

/** The nth of the lines with a name, up to one of them. */
interface Wanted {
  readonly code: number;
  /** How many are still to be passed, with the wanted one. */
  left: number;
  readonly last: Line;
  /** Whether `last` was passed. */
  isPast: boolean;
}

/** Neighbouring lines of a body. */
export class LineRun {
  readonly lines: Line[];
  /** Its place among the runs of its body. */
  place: number;
  #counts: Map<number, number> | undefined;
  #walks = 0;
  /** Where a line was found last. */
  #last = 0;

  constructor(place: number, lines: Line[] = []) {
    this.place = place;
    this.lines = lines;
    for (const line of lines) line.run = this;
  }

  add(line: Line, at = this.lines.length): void {
    line.run = this;
    if (at === this.lines.length) this.lines.push(line);
    else this.lines.splice(at, 0, line);
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
    const rest = this.lines.splice(this.lines.length >> 1);
    this.#counts = undefined;
    this.#walks = 0;
    return new LineRun(this.place + 1, rest);
  }

  indexOf(line: Line): number {
    const { lines } = this;
    // lines are mostly asked for in their order
    if (lines[this.#last] !== line) {
      this.#last = lines[this.#last + 1] === line ? this.#last + 1 : lines.indexOf(line);
    }
    return this.#last;
  }

  /** How many lines have a name if they are fewer than `n`; undefined too as long as it is not worth counting. */
  countIfFewer(code: number, n: number): number | undefined {
    if (this.lines.length < SHORT) return undefined;
    if (this.#counts === undefined && this.#walks++ < WALKS) return undefined;
    const count = this.count(code);
    return count < n ? count : undefined;
  }

  /** Looks for a line from an index on. */
  find(wanted: Wanted, from: number): Line | undefined {
    const { lines } = this;
    for (let at = from; at < lines.length; at++) {
      const line = lines[at];
      if (line?.code === wanted.code && --wanted.left === 0) return line;
      if (line === wanted.last) {
        wanted.isPast = true;
        return undefined;
      }
    }
    return undefined;
  }

  count(code: number): number {
    return this.counts.get(code) ?? 0;
  }

  /** How many lines have each name. */
  get counts(): ReadonlyMap<number, number> {
    if (this.#counts === undefined) {
      this.#counts = new Map();
      for (const { code } of this.lines) addCount(this.#counts, code, 1);
    }
    return this.#counts;
  }
}

/** Changes the number of lines with a name. */
export function addCount(counts: Map<number, number>, code: number, count: number): void {
  counts.set(code, (counts.get(code) ?? 0) + count);
}
