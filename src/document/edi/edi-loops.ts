import { atOnce } from '../in-turns.ts';
import type { Line } from '../segment/line.ts';
import type { LineList } from '../segment/line-list.ts';
import type { Marks } from '../segment/place.ts';
import { ALL, type LoopStep, nameCode, type SegmentPath } from '../segment/segment-path.ts';
import type { EdiSyntax } from './edi-syntax.ts';
import { type GuideLoop, isLoop } from './guide/guide.ts';
import { knownGuide, loopsOf } from './guide/guides.ts';
import { Loop } from './loop.ts';
import {
  endsEnvelope,
  type GuideOf,
  isEnvelope,
  loopOfEach,
  loopsBelow,
  loopTree,
  placeOf,
} from './loop-tree.ts';

/** The loops of a body. */
export class EdiLoops {
  readonly root: Loop;
  readonly marks: EdiSyntax;
  readonly #list: LineList;
  readonly #guides: ReadonlySet<GuideLoop>;
  #loopOf: Map<Line, Loop> | undefined;
  /** The loops of an id in a loop, as long as none was added or removed. */
  #below = new WeakMap<Loop, Map<string, readonly Loop[]>>();

  /** `list`: that of the body, which it goes on changing. */
  private constructor(
    list: LineList,
    syntax: EdiSyntax,
    found: Pick<EdiLoops, 'root'> & { readonly guides: ReadonlySet<GuideLoop> },
  ) {
    this.#list = list;
    this.marks = syntax;
    this.root = found.root;
    this.#guides = found.guides;
  }

  /** Finds them, in some lines at each step. */
  static *reading(list: LineList, syntax: EdiSyntax): Generator<undefined, EdiLoops> {
    const known = guideOf(syntax);
    const guides = new Set<GuideLoop>();
    const root = yield* loopTree(list.cursor(), syntax, (line, group) => {
      const guide = known(line, group);
      if (guide !== undefined) guides.add(guide);
      return guide;
    });
    return new EdiLoops(list, syntax, { root, guides });
  }

  static of(list: LineList, syntax: EdiSyntax): EdiLoops {
    return atOnce(EdiLoops.reading(list, syntax));
  }

  /** The innermost loop that contains a line; undefined if the line is no longer in the body. */
  at(line: Line): Loop | undefined {
    this.#loopOf ??= loopOfEach(this.root, this.#list.all());
    return this.#loopOf.get(line);
  }

  /** All lines in order. The indexes in each loop are those in it, until the body is changed. */
  numbered(): Line[] {
    const lines = this.#list.all();
    this.root.until = lines.length;
    for (const [index, line] of lines.entries()) {
      let loop = this.at(line);
      if (loop?.first === line) loop.from = index;
      for (; loop?.last === line; loop = loop.around) loop.until = index + 1;
    }
    return lines;
  }

  /** Whether another value at a path may change which loops there are. */
  dependsOn({ code, field }: SegmentPath): boolean {
    if (isEnvelope(code)) return true;
    for (const { telling } of this.#guides) if (telling.get(code)?.has(field) === true) return true;
    return false;
  }

  /**
   * The loops that a path is looked up in, starting from one. Without loops in the path: the innermost enclosing one that may
   * contain such a segment. With loops: those with that name in the innermost enclosing one that may contain them, or an enclosing loop itself.
   */
  meant(path: SegmentPath, from: Loop): readonly Loop[] {
    const [first, ...rest] = path.loops;
    if (first === undefined) return [this.#holder(path.code, from)];
    for (let at: Loop | undefined = from; at !== undefined; at = at.around) {
      const isMeant = at.id === first.id && first.index === 0;
      const found = isMeant ? this.#stepsBelow(at, rest) : this.#stepsBelow(at, path.loops);
      // if it may contain one but does not, that of another loop is not meant
      if (found.length > 0 || at.guide?.ids.has(first.id) === true) return found;
    }
    return [];
  }

  /** The segments of a path in loops: the nth of its name in each, or every one. */
  segments(path: SegmentPath, loops: readonly Loop[]): Line[] {
    return loops.flatMap((loop) => this.#named(path.code, loop, path.index));
  }

  /** Every line of some loops, with those of the loops in them. */
  linesOf(loops: readonly Loop[]): Line[] {
    return loops.flatMap(({ stretch }) =>
      stretch === undefined ? this.#list.all() : this.#list.between(stretch),
    );
  }

  /** Adjusts the loops to a line that was added. False if they must be found again. */
  added(line: Line): boolean {
    const loop = lineAdded(this.#lines, line);
    if (loop === undefined) return false;
    if (loop.first === line) this.#below = new WeakMap();
    this.#loopOf?.set(line, loop);
    return true;
  }

  /** Adjusts the loops to lines that are about to be removed. False if they must be found again. */
  leave(lines: ReadonlySet<Line>): boolean {
    if (!linesLeave(this.#lines, lines)) return false;
    for (const line of lines) {
      if (this.at(line)?.first === line) this.#below = new WeakMap();
      this.#loopOf?.delete(line);
    }
    return true;
  }

  /** The first segment of a path in loops. */
  first(path: SegmentPath, loops: readonly Loop[]): Line | undefined {
    for (const loop of loops) {
      const [line] = this.#named(path.code, loop, Math.max(path.index, 1));
      if (line !== undefined) return line;
    }
    return undefined;
  }

  /**
   * The line before which to insert a new segment in a loop: where its guide puts it, otherwise before the trailer;
   * undefined at the end of the body.
   */
  placeIn(loop: Loop, code: number): Line | undefined {
    const list = this.#list;
    const first = loop.first ?? list.first();
    const stop = loop.last === undefined ? undefined : list.after(loop.last);
    const comesLater = laterIn(loop, code);
    let line = first === undefined ? undefined : list.after(first);
    while (line !== undefined && line !== stop) {
      if (comesLater(line)) return line;
      const inner = this.at(line);
      line = list.after(inner?.first === line ? (inner.last ?? line) : line);
    }
    return stop;
  }

  /** The loops of the last step, inside those of the step before it, and so on. */
  #stepsBelow(from: Loop, steps: readonly LoopStep[]): readonly Loop[] {
    let found: readonly Loop[] = [from];
    for (const { id, index } of steps) {
      found = found.flatMap((loop) => {
        const inner = this.#allBelow(loop, id);
        return index <= 0 ? inner : inner.slice(index - 1, index);
      });
    }
    return found;
  }

  #allBelow(loop: Loop, id: string): readonly Loop[] {
    const known = this.#below.get(loop) ?? new Map<string, readonly Loop[]>();
    const found = known.get(id) ?? loopsBelow(loop, id);
    this.#below.set(loop, known.set(id, found));
    return found;
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

  #named(code: number, { stretch }: Loop, index: number): Line[] {
    const list = this.#list;
    if (index === 0 || index === ALL) {
      return stretch === undefined ? list.all(code) : list.between(stretch, code);
    }
    const found =
      stretch === undefined ? list.find(code, index) : list.findBetween(code, index, stretch);
    return found === undefined ? [] : [found];
  }

  get #lines(): Lines {
    return { list: this.#list, marks: this.marks, at: (line) => this.at(line) };
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

/** Whether a line of a loop comes after where a segment belongs. */
function laterIn({ guide, id }: Loop, code: number): (line: Line) => boolean {
  const end = ENDS.get(id);
  const wanted = guide === undefined ? -1 : positionOf(guide, code);
  return (line) => {
    if (line.code === end) return true;
    return guide !== undefined && wanted >= 0 && positionOf(guide, line.code) > wanted;
  };
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
 * Adding or removing lines usually changes only the ends of the loops around them. These functions adjust the loops, so that a
 * transform over every claim of a large interchange need not find them all again for each segment that it adds or removes.
 */
interface Lines {
  /** The current lines. */
  readonly list: LineList;
  readonly marks: Marks;
  /** The innermost loop that contains a line. */
  readonly at: (line: Line) => Loop | undefined;
}

/** Adjusts the loops to a line that was added; returns its loop. Undefined, and nothing changed, if they must be found again. */
function lineAdded(lines: Lines, line: Line): Loop | undefined {
  const before = lines.list.before(line);
  if (before === undefined || isEnvelope(line.code) || endsEnvelope(before.code)) return undefined;
  const loop = lines.at(before);
  if (loop === undefined) return undefined;
  const { loop: holder, begins } = placeOf(loop, { code: line.code, line }, lines.marks);
  const own = begins === undefined ? holder : new Loop(begins.id, holder, begins, line);
  const next = lines.list.after(line);
  if (own !== loop && !staysAfter(lines, own, next)) return undefined;
  if (own !== holder && !takes(lines, holder, { own, next })) return undefined;
  for (let at: Loop | undefined = holder; at?.last === before; at = at.around) at.last = line;
  return own;
}

/** Puts a new loop into the one that holds it, before the loop that begins with the next line. False if it is not known which that is. */
function takes(
  { at }: Lines,
  holder: Loop,
  { own, next }: { readonly own: Loop; readonly next: Line | undefined },
): boolean {
  const after = next === undefined || isEnvelope(next.code) ? undefined : at(next);
  if (after === holder) return false;
  holder.add(own, after?.around === holder && after.first === next ? after : undefined);
  return true;
}

/** Adjusts the loops to neighbouring lines that are about to be removed. False, and nothing changed, if they must be found again. */
function linesLeave(lines: Lines, leaving: ReadonlySet<Line>): boolean {
  const [first] = leaving;
  const last = first === undefined ? undefined : endOf(lines, first, leaving);
  const before = first === undefined ? undefined : lines.list.before(first);
  if (last === undefined || before === undefined || endsEnvelope(before.code)) return false;
  const holder = lines.at(before);
  const next = lines.list.after(last);
  if (holder === undefined || cutsLoop(lines, leaving, last)) return false;
  if (!staysAfter(lines, holder, next)) return false;
  shorten(lines, leaving, before);
  return true;
}

function shorten({ at }: Lines, leaving: ReadonlySet<Line>, before: Line): void {
  for (const line of leaving) {
    const loop = at(line);
    if (loop?.first === line) loop.around?.remove(loop);
  }
  for (let loop = at(before); loop !== undefined; loop = loop.around) {
    if (loop.last !== undefined && leaving.has(loop.last)) loop.last = before;
  }
}

/** The last of lines that begin with one and are neighbours; undefined if they are not. */
function endOf({ list }: Lines, first: Line, lines: ReadonlySet<Line>): Line | undefined {
  let last = first;
  for (let left = lines.size - 1; left > 0; left--) {
    const next = list.after(last);
    if (next === undefined || !lines.has(next)) return undefined;
    last = next;
  }
  return list.has(first) ? last : undefined;
}

/** Whether a remaining loop or part of the envelope would lose its first or last segment. */
function cutsLoop(lines: Lines, leaving: ReadonlySet<Line>, last: Line): boolean {
  for (const { code } of leaving) if (isEnvelope(code)) return true;
  for (let at = lines.at(last); at?.first !== undefined; at = at.around) {
    if (leaving.has(at.first) && at.last !== undefined && !leaving.has(at.last)) return true;
  }
  return false;
}

/** Whether the next line, if there is one, would be where it is now if the one before it were in a loop. */
function staysAfter({ marks, at }: Lines, loop: Loop, line: Line | undefined): boolean {
  if (line === undefined || isEnvelope(line.code)) return true;
  const now = at(line);
  const then = placeOf(loop, { code: line.code, line }, marks);
  return now?.first === line
    ? then.loop === now.around && then.begins === now.guide
    : then.loop === now && then.begins === undefined;
}
