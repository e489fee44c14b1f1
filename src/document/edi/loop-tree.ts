import type { Line } from '../segment/line.ts';
import type { Marks } from '../segment/place.ts';
import { nameCode, nameOfCode } from '../segment/segment-path.ts';
import { fits } from './guide/fits.ts';
import type { GuideLoop } from './guide/guide.ts';

/** A stretch of an interchange: a loop of an implementation guide, or a part of the envelope. */
export interface Loop {
  /** `2300`; `ISA`, `GS`, `ST`, `UNB`, `UNG`, `UNH`; `''` for the whole body. */
  readonly id: string;
  readonly around: Loop | undefined;
  /** What the guide says of it; undefined outside a transaction set, and in one whose guide is unknown. */
  readonly guide: GuideLoop | undefined;
  /** Index of its first line. */
  from: number;
  /** Index after its last line. */
  until: number;
  readonly loops: Loop[];
}

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

/** Finds the loops of a body in one pass, in linear time. */
export function loopTree(lines: readonly Line[], marks: Marks, guideOf: GuideOf): Loop {
  const root: Loop = {
    id: '',
    around: undefined,
    guide: undefined,
    from: 0,
    until: 0,
    loops: [],
  };
  let at: Loop = root;
  let group: Line | undefined;
  let index = -1;
  const open = (id: string, guide: GuideLoop | undefined): void => {
    const loop: Loop = { id, around: at, guide, from: index, until: index, loops: [] };
    at.loops.push(loop);
    at = loop;
  };
  const close = (to: Loop, until: number): void => {
    for (; at !== to && at.around !== undefined; at = at.around) at.until = until;
  };
  for (const line of lines) {
    index += 1;
    const envelope = ENVELOPES.get(line.code);
    const ends = DEPTH_OF_END.get(line.code);
    if (envelope !== undefined) {
      close(atDepth(at, envelope.depth - 1), index);
      const id = nameOfCode(line.code);
      if (envelope.depth === 2) group = line;
      open(id, envelope.depth === 3 ? guideOf(line, group) : undefined);
    } else if (ends !== undefined) {
      const ended = atDepth(at, ends);
      close(ended, index);
      // a trailer without a header belongs to the enclosing loop
      if (depthOf(ended) === ends) close(ended.around ?? ended, index + 1);
      if (ends === 2) group = undefined;
    } else {
      const { loop, begins } = placeOf(at, line, marks);
      close(loop, index);
      if (begins !== undefined) open(begins.id, begins);
    }
  }
  close(root, lines.length);
  root.until = lines.length;
  return root;
}

/** The loop that a line belongs to, from the innermost open one outwards, and the loop that it begins there. Not for lines of the envelope. */
export function placeOf(
  at: Loop,
  line: Line,
  marks: Marks,
): { readonly loop: Loop; readonly begins?: GuideLoop } {
  for (let loop: Loop | undefined = at; loop?.guide !== undefined; loop = loop.around) {
    const { guide } = loop;
    const begins = guide.loops
      .get(line.code)
      ?.find(({ trigger }) => trigger !== undefined && fits(line, trigger, marks));
    if (begins !== undefined) return { loop, begins };
    if (guide.own.has(line.code)) return { loop };
  }
  return { loop: at };
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

/** The innermost loop that contains a line. */
export function loopAt(root: Loop, index: number): Loop {
  let at = root;
  for (;;) {
    const inner = at.loops[lastBefore(at.loops, index)];
    if (inner === undefined || index >= inner.until) return at;
    at = inner;
  }
}

/** The last of ordered loops that begins at or before an index; -1 if none does. */
function lastBefore(loops: readonly Loop[], index: number): number {
  let [low, high] = [0, loops.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((loops[middle]?.from ?? 0) <= index) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Every loop with an id below one, at any depth, in order; not those inside one that was found. */
export function loopsBelow(loop: Loop, id: string): Loop[] {
  const found: Loop[] = [];
  const waiting = [...loop.loops].toReversed();
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (next.id === id) found.push(next);
    else if (next.guide === undefined || next.guide.ids.has(id)) {
      for (const inner of next.loops.toReversed()) waiting.push(inner);
    }
  }
  return found;
}
