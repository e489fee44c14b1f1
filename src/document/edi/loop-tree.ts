import { EngineError } from '../../error/engine-error.ts';
import type { Line } from '../segment/line.ts';
import type { LineCursor } from '../segment/line-cursor.ts';
import type { Marks } from '../segment/place.ts';
import { nameCode, nameOfCode } from '../segment/segment-path.ts';
import { fits } from './guide/fits.ts';
import type { GuideLoop } from './guide/guide.ts';
import { Loop } from './loop.ts';

/** A part of the envelope: its depth, and the segment that ends it. */
interface Envelope {
  readonly depth: number;
  readonly end: number;
}

const ENVELOPES: ReadonlyMap<number, Envelope> = new Map(
  (
    [
      ['ISA', 1, 'IEA'],
      ['GS', 2, 'GE'],
      ['ST', 3, 'SE'],
      ['UNB', 1, 'UNZ'],
      ['UNG', 2, 'UNE'],
      ['UNH', 3, 'UNT'],
    ] as const
  ).map(([name, depth, end]) => [nameCode(name), { depth, end: nameCode(end) }]),
);

const DEPTH_OF_END: ReadonlyMap<number, number> = new Map(
  [...ENVELOPES.values()].map(({ depth, end }) => [end, depth]),
);

/** Whether a segment of a name begins or ends a part of the envelope. */
export function isEnvelope(code: number): boolean {
  return ENVELOPES.has(code) || DEPTH_OF_END.has(code);
}

export function endsEnvelope(code: number): boolean {
  return DEPTH_OF_END.has(code);
}

/** The guide of the transaction set that begins with a line; undefined if it is unknown. */
export type GuideOf = (line: Line, group: Line | undefined) => GuideLoop | undefined;

/** How many lines are looked at in one step. */
const STEP = 512;

/** Even the line of a claim has some 30 characters. A body with more loops than one for so many is none that anybody means. */
const SHORTEST = 24;
const FEW = 150_000;

/** Finds the loops of a body in one pass, in linear time, some lines at each step. Throws DOCUMENT_UNREADABLE if there are too many. */
export function* loopTree(
  lines: LineCursor,
  marks: Marks,
  guideOf: GuideOf,
): Generator<undefined, Loop> {
  const root = new Loop('', undefined, undefined, undefined);
  let at = root;
  let group: Line | undefined;
  let count = 0;
  const most = Math.max(FEW, lines.size / SHORTEST);
  const open = (id: string, guide: GuideLoop | undefined, line: Line | undefined): void => {
    if (++count > most) throw tooMany();
    const loop = new Loop(id, at, guide, line);
    at.add(loop);
    at = loop;
  };
  const close = (to: Loop, isWithin: boolean): void => {
    if (at === to) return;
    const last = isWithin ? lines.line : lines.before;
    for (; at !== to && at.around !== undefined; at = at.around) at.last = last;
  };
  for (let index = 0; lines.next(); index++) {
    if (index % STEP === STEP - 1) yield;
    const { code } = lines;
    const envelope = ENVELOPES.get(code);
    const ends = DEPTH_OF_END.get(code);
    if (envelope !== undefined) {
      close(atDepth(at, envelope.depth - 1), false);
      const { line } = lines;
      if (line === undefined) continue;
      if (envelope.depth === 2) group = line;
      open(nameOfCode(code), envelope.depth === 3 ? guideOf(line, group) : undefined, line);
    } else if (ends !== undefined) {
      const ended = atDepth(at, ends);
      close(ended, false);
      // a trailer without a header belongs to the enclosing loop
      if (depthOf(ended) === ends) close(ended.around ?? ended, true);
      if (ends === 2) group = undefined;
    } else {
      const { loop, begins } = placeOf(at, lines, marks);
      close(loop, false);
      if (begins !== undefined) open(begins.id, begins, lines.line);
    }
  }
  close(root, false);
  return root;
}

/** The loop that a line belongs to, from the innermost open one outwards, and the loop that it begins there. Not for lines of the envelope. */
export function placeOf(
  at: Loop,
  seen: { readonly code: number; readonly line: Line | undefined },
  marks: Marks,
): { readonly loop: Loop; readonly begins?: GuideLoop } {
  const { code } = seen;
  for (let loop: Loop | undefined = at; loop?.guide !== undefined; loop = loop.around) {
    const { guide } = loop;
    const possible = guide.loops.get(code);
    const line = possible && seen.line;
    const begins =
      line && possible.find(({ trigger }) => trigger !== undefined && fits(line, trigger, marks));
    if (begins !== undefined) return { loop, begins };
    if (guide.own.has(code)) return { loop };
  }
  return { loop: at };
}

function tooMany(): EngineError {
  return new EngineError(
    'DOCUMENT_UNREADABLE',
    `The body consists of ${FEW} or more loops with hardly anything in them, so none of them can be asked for. Ask only for segments.`,
  );
}

/** The innermost open loop that is no deeper in the envelope. */
function atDepth(at: Loop, depth: number): Loop {
  let loop = at;
  while (depthOf(loop) > depth && loop.around !== undefined) loop = loop.around;
  return loop;
}

function depthOf({ id, guide }: Loop): number {
  if (id === '') return 0;
  // a loop of a guide is below its transaction set
  return ENVELOPE_DEPTHS.get(id) ?? (guide === undefined ? 0 : 4);
}

const ENVELOPE_DEPTHS: ReadonlyMap<string, number> = new Map(
  [...ENVELOPES].map(([code, { depth }]) => [nameOfCode(code), depth]),
);

/** Every loop with an id below one, at any depth, in order; not those inside one that was found. */
export function loopsBelow(loop: Loop, id: string): Loop[] {
  const found: Loop[] = [];
  const waiting = loop.loops.toReversed();
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (next.id === id) found.push(next);
    else if (next.guide === undefined || next.guide.ids.has(id)) {
      for (const inner of next.loops.toReversed()) waiting.push(inner);
    }
  }
  return found;
}

/** For each line of a body the innermost loop that contains it. */
export function loopOfEach(root: Loop, lines: readonly Line[]): Map<Line, Loop> {
  const found = new Map<Line, Loop>();
  const ordered = inOrder(root);
  let next = 1;
  let at: Loop | undefined = root;
  for (const line of lines) {
    const begun = ordered[next];
    if (begun?.first === line) {
      at = begun;
      next += 1;
    }
    found.set(line, at ?? root);
    while (at?.last === line) at = at.around;
  }
  return found;
}

/** A loop and all below it, each before those in it. */
function inOrder(loop: Loop): Loop[] {
  const ordered: Loop[] = [];
  const waiting = [loop];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    ordered.push(next);
    for (const inner of next.loops.toReversed()) waiting.push(inner);
  }
  return ordered;
}
