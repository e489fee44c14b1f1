import type { Line } from '../segment/line.ts';
import type { Marks } from '../segment/place.ts';
import { ALL, type LoopStep, nameCode, type SegmentPath } from '../segment/segment-path.ts';
import type { EdiSyntax } from './edi-syntax.ts';
import { type GuideLoop, isLoop } from './guide/guide.ts';
import { knownGuide, loopsOf } from './guide/guides.ts';
import {
  endsEnvelope,
  type GuideOf,
  isEnvelope,
  type Loop,
  loopAt,
  loopsBelow,
  loopTree,
  placeOf,
} from './loop-tree.ts';

/** The lines of a body with its loops. */
export class EdiLoops {
  readonly lines: readonly Line[];
  readonly root: Loop;
  readonly marks: EdiSyntax;
  readonly #guides = new Set<GuideLoop>();
  #loopOf: Map<Line, Loop> | undefined;

  /** `lines`: the array that the body changes, so that it always has the current lines. */
  constructor(lines: readonly Line[], syntax: EdiSyntax) {
    this.lines = lines;
    this.marks = syntax;
    const known = guideOf(syntax);
    this.root = loopTree(lines, syntax, (line, group) => {
      const guide = known(line, group);
      if (guide !== undefined) this.#guides.add(guide);
      return guide;
    });
  }

  /** The innermost loop that contains a line; undefined if the line is no longer in the body. */
  at(line: Line): Loop | undefined {
    this.#loopOf ??= new Map(this.lines.map((one, index) => [one, loopAt(this.root, index)]));
    return this.#loopOf.get(line);
  }

  /** Whether another value at a path may change which loops there are. */
  dependsOn({ code, field }: SegmentPath): boolean {
    if (isEnvelope(code)) return true;
    for (const { telling } of this.#guides) if (telling.get(code)?.has(field) === true) return true;
    return false;
  }

  /** Adjusts the loops to a line that was added. False if they must be found again. */
  added(line: Line, index: number): boolean {
    const loop = lineAdded(this, index);
    if (loop === undefined) return false;
    this.#loopOf?.set(line, loop);
    return true;
  }

  /** Adjusts the loops to lines that are about to be removed. False if they must be found again. */
  leave(lines: ReadonlySet<Line>): boolean {
    const [first] = lines;
    const from = first === undefined ? -1 : this.#indexOf(first);
    let until = from;
    for (let line = this.lines[until]; line !== undefined && lines.has(line); ) {
      until += 1;
      line = this.lines[until];
    }
    if (from < 0 || until - from !== lines.size || !linesLeave(this, from, until)) return false;
    for (const line of lines) this.#loopOf?.delete(line);
    return true;
  }

  #indexOf(line: Line): number {
    const loop = this.at(line);
    return loop === undefined ? -1 : this.lines.indexOf(line, loop.from);
  }

  /**
   * The loops that a path is looked up in, starting from one. Without loops in the path: the innermost enclosing one that may
   * contain such a segment. With loops: those with that name in the innermost enclosing one that may contain them, or an enclosing loop itself.
   */
  meant(path: SegmentPath, from: Loop): Loop[] {
    const [first, ...rest] = path.loops;
    if (first === undefined) return [this.#holder(path.code, from)];
    for (let at: Loop | undefined = from; at !== undefined; at = at.around) {
      const isMeant = at.id === first.id && first.index === 0;
      const found = isMeant ? below(at, rest) : below(at, path.loops);
      // if it may contain one but does not, that of another loop is not meant
      if (found.length > 0 || at.guide?.ids.has(first.id) === true) return found;
    }
    return [];
  }

  /** The segments of a path in loops: the nth of its name in each, or every one. */
  segments(path: SegmentPath, loops: readonly Loop[]): Line[] {
    return loops.flatMap((loop) => this.#named(path.code, loop, path.index));
  }

  /** The first segment of a path in loops. */
  first(path: SegmentPath, loops: readonly Loop[]): Line | undefined {
    for (const loop of loops) {
      const [line] = this.#named(path.code, loop, Math.max(path.index, 1));
      if (line !== undefined) return line;
    }
    return undefined;
  }

  /** Index at which to insert a new segment in a loop: where its guide puts it, otherwise before the trailer. */
  placeIn({ from, until, loops, guide, id }: Loop, code: number): number {
    const wanted = guide === undefined ? -1 : positionOf(guide, code);
    let inner = 0;
    for (let index = from + 1; index < until; index++) {
      const loop = loops[inner];
      const isInner = loop?.from === index;
      const line = this.lines[index];
      if (line === undefined) break;
      const position = guide === undefined ? -1 : positionOf(guide, line.code);
      if (wanted >= 0 && position > wanted) return index;
      if (ENDS.get(id) === line.code) return index;
      if (isInner) {
        inner += 1;
        index = loop.until - 1;
      }
    }
    return until;
  }

  #holder(code: number, from: Loop): Loop {
    let at = from;
    while (at.around !== undefined && !this.#mayHold(at, code)) at = at.around;
    return at;
  }

  #mayHold(loop: Loop, code: number): boolean {
    if (loop.guide?.all.has(code) === true) return true;
    return ENDS.has(loop.id) && this.#named(code, loop, 1).length > 0;
  }

  #named(code: number, { from, until }: Loop, index: number): Line[] {
    const found: Line[] = [];
    let left = index;
    for (let at = from; at < until; at++) {
      const line = this.lines[at];
      if (line?.code !== code) continue;
      if (index === 0 || index === ALL) found.push(line);
      else if (--left === 0) return [line];
    }
    return found;
  }
}

/** The trailer of each part of the envelope, by the id of its loop. */
const ENDS: ReadonlyMap<string, number> = new Map(
  (
    [
      ['ISA', 'IEA'],
      ['GS', 'GE'],
      ['ST', 'SE'],
      ['UNB', 'UNZ'],
      ['UNG', 'UNE'],
      ['UNH', 'UNT'],
    ] as const
  ).map(([id, end]) => [id, nameCode(end)]),
);

/** The loops of the last step, inside those of the step before it, and so on. */
function below(from: Loop, steps: readonly LoopStep[]): Loop[] {
  let found = [from];
  for (const { id, index } of steps) {
    found = found.flatMap((loop) => {
      const inner = loopsBelow(loop, id);
      return index <= 0 ? inner : inner.slice(index - 1, index);
    });
  }
  return found;
}

/** The position at which a loop has a segment; -1 if it has none. */
function positionOf({ positions }: GuideLoop, code: number): number {
  return positions.findIndex((parts) =>
    parts.some((part) => (isLoop(part) ? part.trigger?.code : part.code) === code),
  );
}

/** Finds the guides for the transaction sets of an interchange. */
function guideOf({ field, kind }: EdiSyntax): GuideOf {
  if (kind !== 'x12') return () => undefined;
  return (line: Line, group: Line | undefined) => {
    const version = line.slot(3, field) || (group?.slot(8, field) ?? '');
    const guide = knownGuide(line.slot(1, field), version.trim());
    return guide === undefined ? undefined : loopsOf(guide);
  };
}

/**
 * Adding or removing lines usually only changes the length of loops. These functions adjust the loops, so that a transform
 * over every claim of a large interchange need not find them all again for each segment that it adds or removes.
 */
interface Loops {
  readonly root: Loop;
  /** The current lines. */
  readonly lines: readonly Line[];
  readonly marks: Marks;
}

/** Adjusts the loops to a line that was added at an index; returns its loop. Undefined, and nothing changed, if they must be found again. */
function lineAdded({ root, lines, marks }: Loops, index: number): Loop | undefined {
  const [before, line] = [lines[index - 1], lines[index]];
  if (before === undefined || line === undefined) return undefined;
  if (isEnvelope(line.code) || endsEnvelope(before.code)) return undefined;
  const loop = loopAt(root, index - 1);
  const { loop: placed, begins } = placeOf(loop, line, marks);
  if (placed !== loop || begins !== undefined) return undefined;
  lengthen(root, index);
  return loop;
}

function lengthen(loop: Loop, index: number): void {
  // a loop that ended here is the one that the line was added to, or around it
  if (loop.until >= index) loop.until += 1;
  if (loop.from >= index) loop.from += 1;
  const { loops } = loop;
  for (let at = loops.length - 1; at >= 0; at--) {
    const inner = loops[at];
    if (inner === undefined || inner.until < index) return;
    lengthen(inner, index);
  }
}

/**
 * Adjusts the loops to lines from `from` up to `until` that are about to be removed. False, and nothing changed, if they must be
 * found again.
 */
function linesLeave(loops: Loops, from: number, until: number): boolean {
  if (cutsLoop(loops, from, until) || !nextStays(loops, from, until)) return false;
  shorten(loops.root, from, until);
  return true;
}

/** Whether a remaining loop or part of the envelope would lose its first or last segment. */
function cutsLoop({ root, lines }: Loops, from: number, until: number): boolean {
  if (lines.slice(from, until).some(({ code }) => isEnvelope(code))) return true;
  for (let loop = loopAt(root, until - 1); loop.around !== undefined; loop = loop.around) {
    if (loop.from >= from && loop.until > until) return true;
  }
  return false;
}

/** Whether the line after them would stay in its loop. */
function nextStays({ root, lines, marks }: Loops, from: number, until: number): boolean {
  const [before, next] = [lines[from - 1], lines[until]];
  if (before === undefined || endsEnvelope(before.code)) return false;
  if (next === undefined || isEnvelope(next.code)) return true;
  const now = loopAt(root, until);
  const then = placeOf(loopAt(root, from - 1), next, marks);
  return now.from === until
    ? then.loop === now.around && then.begins === now.guide
    : then.loop === now && then.begins === undefined;
}

function shorten(loop: Loop, from: number, until: number): void {
  const { loops } = loop;
  loop.until = loop.until >= until ? loop.until - (until - from) : Math.min(loop.until, from);
  if (loop.from >= until) loop.from -= until - from;
  for (let at = loops.length - 1; at >= 0; at--) {
    const inner = loops[at];
    if (inner === undefined || inner.until <= from) return;
    if (inner.from >= from && inner.until <= until) loops.splice(at, 1);
    else shorten(inner, from, until);
  }
}
