import { FoundLines } from './found-lines.ts';
import { Line } from './line.ts';
import { LineCursor } from './line-cursor.ts';
import { addCount, LineRun, LONGEST } from './line-run.ts';
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
 * segment. They are kept in runs, so that a change costs the same in a body of any size; those behind the first run are numbers
 * until one is asked for.
 */
export class LineList {
  readonly #text: string;
  readonly #cutter: Cutter;
  /** At least one; none is empty unless it is the only one. */
  readonly #runs: LineRun[] = [new LineRun(0)];
  readonly #start: number;
  /** Everything before this position is in `#runs`. */
  #at = 0;
  /** Whether that is the whole text. */
  #isRead = false;
  /** How many lines were read one by one. */
  #scanned = 0;
  /** How many lines of a large body have each name; undefined as long as it is not worth counting. */
  #counts: Map<number, number> | undefined;
  #asked = 0;
  /** How often a line was looked for since one was added or removed. */
  #askedSince = 0;
  /** The lines with a name, of a large body that was asked for some and has not changed since. */
  readonly #named = new Map<number, readonly Line[]>();
  #changed = false;
  #order = 0;
  /** For each removed line the one that was before it; undefined if it was the first. */
  readonly #stood = new WeakMap<Line, Line | undefined>();

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

  /** Grows by one whenever segments are added or removed. */
  get order(): number {
    return this.#order;
  }

  has(line: Line): boolean {
    return line.run !== undefined;
  }

  first(): Line | undefined {
    return this.#runs[0]?.at(0) ?? this.#scan();
  }

  last(): Line | undefined {
    this.#scanAll();
    return this.#tail.at(this.#tail.length - 1);
  }

  /** The line after one that is in the list; undefined after the last. */
  after(line: Line): Line | undefined {
    const { run } = line;
    if (run === undefined) return undefined;
    return run.at(run.indexOf(line) + 1) ?? this.#runs[run.place + 1]?.at(0) ?? this.#scan();
  }

  /** The line before one that is in the list; undefined before the first. */
  before(line: Line): Line | undefined {
    const { run } = line;
    if (run === undefined) return undefined;
    const at = run.indexOf(line);
    if (at > 0) return run.at(at - 1);
    const previous = this.#runs[run.place - 1];
    return previous?.at(previous.length - 1);
  }

  /** Where a line was: the line after it, or after its former place if it was removed. */
  following(line: Line): Line | undefined {
    let at: Line | undefined = line;
    while (at !== undefined && at.run === undefined) at = this.#stood.get(at);
    return at === undefined ? this.first() : this.after(at);
  }

  /** The nth segment with a name, from 1. */
  find(code: number, n: number): Line | undefined {
    let left = n;
    if (this.#lacks(code)) return undefined;
    if (this.#isAskedOften) return this.#linesNamed(code)[n - 1];
    for (const run of this.#runs) {
      const fewer = run.countIfFewer(code, left);
      if (fewer !== undefined) {
        left -= fewer;
        continue;
      }
      const { opened } = run;
      if (opened === undefined) {
        const wanted = { code, left, last: undefined, isPast: false };
        const found = run.find(wanted, 0);
        if (found !== undefined) return found;
        left = wanted.left;
        continue;
      }
      for (const line of opened) if (line.code === code && --left === 0) return line;
    }
    return this.#findFurther(code, left);
  }

  #findFurther(code: number, n: number): Line | undefined {
    let left = n;
    while (!this.#isFar) {
      const line = this.#scanLine();
      if (line === undefined) return undefined;
      if (line.code === code && --left === 0) return line;
    }
    const wanted = { code, left, last: undefined, isPast: false };
    for (let run = this.#scanRun(); run !== undefined; run = this.#scanRun()) {
      const found = run.find(wanted, 0);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** The nth segment with a name from one line up to another, and with it. */
  findBetween(code: number, n: number, { first, last }: Stretch): Line | undefined {
    const wanted = { code, left: n, last, isPast: false };
    if (this.#lacks(code)) return undefined;
    for (let run = first.run; run !== undefined && !wanted.isPast; run = this.#next(run)) {
      const isWhole = run !== first.run && run !== last.run;
      const fewer = isWhole ? run.countIfFewer(code, wanted.left) : undefined;
      if (fewer === undefined) {
        const found = run.find(wanted, run === first.run ? run.indexOf(first) : 0);
        if (found !== undefined) return found;
      } else {
        wanted.left -= fewer;
      }
    }
    return undefined;
  }

  /** Every line from one up to another, and with it; of a name, if one is given. */
  between({ first, last }: Stretch, code?: number): Line[] {
    const found: Line[] = [];
    for (let run = first.run; run !== undefined; run = this.#next(run)) {
      const until = run === last.run ? run.indexOf(last) : run.length - 1;
      for (let at = run === first.run ? run.indexOf(first) : 0; at <= until; at++) {
        if (code !== undefined && run.codeAt(at) !== code) continue;
        const line = run.at(at);
        if (line !== undefined) found.push(line);
      }
      if (run === last.run) return found;
    }
    return found;
  }

  /** The last segment with a name. */
  findLast(code: number): Line | undefined {
    this.#scanAll();
    for (let at = this.#runs.length - 1; at >= 0; at--) {
      const run = this.#runs[at];
      if (run === undefined || run.countIfFewer(code, 1) === 0) continue;
      for (let n = run.length - 1; n >= 0; n--) if (run.codeAt(n) === code) return run.at(n);
    }
    return undefined;
  }

  /** Every segment with a name, or all lines. */
  all(code?: number): Line[] {
    this.#scanAll();
    const [only] = this.#runs;
    if (this.#runs.length === 1 && only !== undefined) {
      return code === undefined ? [...only.lines] : only.lines.filter((line) => line.code === code);
    }
    if (code !== undefined && this.#lacks(code)) return [];
    const found: Line[] = [];
    for (const run of this.#runs) {
      for (let at = 0; at < run.length; at++) {
        if (code !== undefined && run.codeAt(at) !== code) continue;
        const line = run.at(at);
        if (line !== undefined) found.push(line);
      }
    }
    return found;
  }

  count(code?: number): number {
    this.#scanAll();
    let count = 0;
    for (const run of this.#runs) {
      count += code === undefined ? run.length : run.count(code);
    }
    return count;
  }

  /** Adds a new segment before a line that is in the list; at the end if there is none. */
  insert(before: Line | undefined, text: string): Line {
    const { lineEnd, marks } = this.#cutter;
    if (before === undefined) this.#scanAll();
    const span = [0, 0, text.length, text.length + lineEnd.length] as const;
    const line = new Line(text + lineEnd, span, nameCode(text), marks);
    const run = before?.run ?? this.#tail;
    const at = before === undefined ? run.length : run.indexOf(before);
    const previous = before === undefined ? run.at(at - 1) : this.before(before);
    previous?.endWith(lineEnd);
    run.add(line, at);
    if (run.length > LONGEST) this.#split(run);
    this.#reordered();
    if (this.#counts !== undefined) addCount(this.#counts, line.code, 1);
    return line;
  }

  remove(lines: ReadonlySet<Line>): void {
    if (lines.size === 0) return;
    let isEmpty = false;
    for (const [run, leaving] of byRun(lines)) {
      for (const line of leaving) this.#stood.set(line, this.before(line));
      run.remove(leaving);
      for (const line of leaving) {
        line.run = undefined;
        if (this.#counts !== undefined) addCount(this.#counts, line.code, -1);
      }
      isEmpty ||= run.length === 0;
    }
    if (isEmpty) this.#dropEmpty();
    this.#reordered();
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
    let [from, to] = [0, 0];
    for (const run of this.#runs) {
      for (const piece of run.pieces(text)) {
        if (typeof piece !== 'string' && piece[0] === to) {
          to = piece[1];
          continue;
        }
        if (to > from) pieces.push([from, to]);
        [from, to] = typeof piece === 'string' ? [0, 0] : piece;
        if (typeof piece === 'string') pieces.push(piece);
      }
    }
    if (to === this.#at) return [...pieces, [from, text.length]];
    if (to > from) pieces.push([from, to]);
    return [...pieces, [this.#at, text.length]];
  }

  get #tail(): LineRun {
    return this.#runs[this.#runs.length - 1] as LineRun;
  }

  /** Whether no line has a name, if that is already known. */
  #lacks(code: number): boolean {
    if (this.#runs.length === 1 || !this.#isRead || this.#asked++ < ASKED) return false;
    if (this.#counts === undefined) {
      this.#counts = new Map();
      for (const { counts } of this.#runs) {
        for (const [own, count] of counts) addCount(this.#counts, own, count);
      }
    }
    return (this.#counts.get(code) ?? 0) === 0;
  }

  #reordered(): void {
    this.#named.clear();
    this.#askedSince = 0;
    this.#changed = true;
    this.#order += 1;
  }

  get #isAskedOften(): boolean {
    return this.#isRead && this.#runs.length > 1 && this.#askedSince++ >= ASKED;
  }

  #linesNamed(code: number): readonly Line[] {
    const lines = this.#named.get(code) ?? this.all(code);
    this.#named.set(code, lines);
    return lines;
  }

  #next(run: LineRun): LineRun | undefined {
    return this.#runs[run.place + 1];
  }

  #split(run: LineRun): void {
    this.#runs.splice(run.place + 1, 0, run.split());
    this.#number(run.place + 1);
  }

  #dropEmpty(): void {
    const runs = this.#runs;
    let kept = 0;
    for (const run of runs) if (run.length > 0) runs[kept++] = run;
    runs.length = Math.max(kept, 1);
    this.#number(0);
  }

  #number(from: number): void {
    for (let place = from; place < this.#runs.length; place++) {
      const run = this.#runs[place];
      if (run !== undefined) run.place = place;
    }
  }

  /** Reads the whole text, some lines at each step. */
  *reading(): Generator<undefined> {
    while (!this.#isFar) if (this.#scanLine() === undefined) return;
    while (this.#scanRun() !== undefined) yield;
  }

  /** Goes over every line. */
  cursor(): LineCursor {
    this.#scanAll();
    return new LineCursor(this.#runs, this.#text.length);
  }

  #scanAll(): void {
    while (!this.#isFar) if (this.#scanLine() === undefined) return;
    while (this.#scanRun() !== undefined);
  }

  /** Reads on; the next line. */
  #scan(): Line | undefined {
    return this.#isFar ? this.#scanRun()?.at(0) : this.#scanLine();
  }

  /** Whether so many lines were read that the rest is kept as numbers until it is asked for. */
  get #isFar(): boolean {
    return this.#scanned >= LONGEST;
  }

  /** Reads the next line of the text; undefined at its end. */
  #scanLine(): Line | undefined {
    const text = this.#text;
    const cutter = this.#cutter;
    const from = this.#at;
    const start = this.#nextStart();
    if (start < 0) return undefined;
    const end = cutter.end(start);
    const next = cutter.next(end);
    const code = cutter.code(start, end);
    const line = new Line(text, [from, start, end, next], code, cutter.marks);
    if (this.#tail.length >= LONGEST) this.#runs.push(new LineRun(this.#runs.length));
    this.#tail.add(line);
    this.#at = next;
    this.#scanned += 1;
    return line;
  }

  /** Reads the next lines of the text, as many as a run has; undefined at its end. */
  #scanRun(): LineRun | undefined {
    const text = this.#text;
    const cutter = this.#cutter;
    if (this.#isRead) return undefined;
    const found = new FoundLines(this.#at);
    while (!found.isFull) {
      const start = this.#nextStart();
      if (start < 0) break;
      const end = cutter.end(start);
      const next = cutter.next(end);
      found.add(start, end, { next, code: cutter.code(start, end) });
      this.#at = next;
    }
    if (found.length === 0) return undefined;
    if (this.#tail.length === 0) this.#runs.pop();
    const run = new LineRun(this.#runs.length, [], { found, text, marks: cutter.marks });
    this.#runs.push(run);
    return run;
  }

  /** Where the next segment begins; −1 if there is none. */
  #nextStart(): number {
    const text = this.#text;
    const cutter = this.#cutter;
    if (this.#isRead) return -1;
    let start = this.#at === 0 ? this.#start : this.#at;
    while (start < text.length && cutter.isBlank(text.charCodeAt(start))) start++;
    if (start < text.length) return start;
    this.#isRead = true;
    return -1;
  }
}

/** How often lines are looked for before their names are counted. */
const ASKED = 16;

/** Lines of a body from one up to another, and with it. */
export interface Stretch {
  readonly first: Line;
  readonly last: Line;
}

function byRun(lines: ReadonlySet<Line>): Map<LineRun, Set<Line>> {
  const found = new Map<LineRun, Set<Line>>();
  for (const line of lines) {
    if (line.run === undefined) continue;
    const leaving = found.get(line.run) ?? new Set();
    found.set(line.run, leaving.add(line));
  }
  return found;
}
