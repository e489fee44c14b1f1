import { nameCode } from '../../segment/segment-path.ts';

/** A segment in a loop of an implementation guide. */
export interface GuideSegment {
  readonly name: string;
  readonly code: number;
  /** The elements that distinguish it from others with its name, and the codes they may have. */
  readonly qualifiers: readonly Qualifier[];
  readonly max: number;
  readonly required: boolean;
}

export interface Qualifier {
  readonly element: number;
  /** 0: the element has no components. */
  readonly component: number;
  readonly codes: ReadonlySet<string>;
}

/** A loop of an implementation guide, or the whole transaction set. */
export interface GuideLoop {
  readonly id: string;
  readonly max: number;
  readonly required: boolean;
  /** What it begins with; undefined for the whole transaction set. */
  readonly trigger: GuideSegment | undefined;
  /** What follows its trigger. Parts at the same position may come in any order. */
  readonly positions: readonly GuidePosition[];
  /** Names of its segments, without its trigger and those in its loops. */
  readonly own: ReadonlySet<number>;
  /** Its loops by the name of the segment that begins them. */
  readonly loops: ReadonlyMap<number, readonly GuideLoop[]>;
  /** Names of all segments in it and its loops. */
  readonly all: ReadonlySet<number>;
  /** Ids of all loops in it. */
  readonly ids: ReadonlySet<string>;
  /** The elements that distinguish the segments that begin loops in it, by the names of these segments. */
  readonly telling: ReadonlyMap<number, ReadonlySet<number>>;
}

export type GuidePosition = readonly (GuideSegment | GuideLoop)[];

/** Whether a part of a guide is a loop. */
export function isLoop(part: GuideSegment | GuideLoop): part is GuideLoop {
  return 'positions' in part;
}

/**
 * Reads a guide from its notation. Each line is a loop, indented by one blank for each enclosing loop:
 *
 * `2010AA! NM1:1=85! N3! REF:1=EI,SY! REF*2`: its id, and its segments in order, the first of which begins it.
 * `*3` after a name is how often it may occur (`*` any number of times, left out once), `!` that it is required, `:1=EI,SY`
 * which codes its first element has there, `:1.1=ABK` the first component of it.
 *
 * `- PLB*` are segments of the enclosing loop, after the loops before it. `2300*100 @` repeats the loop with that id
 * as it was declared above.
 */
export function readGuide(text: string): GuideLoop {
  const lines = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => ({ depth: line.search(/\S/), text: line.trim() }));
  return new GuideReader(lines).read();
}

interface GuideLine {
  readonly depth: number;
  readonly text: string;
}

class GuideReader {
  readonly #lines: readonly GuideLine[];
  readonly #known = new Map<string, GuideLoop>();
  #at = 0;

  constructor(lines: readonly GuideLine[]) {
    this.#lines = lines;
  }

  read(): GuideLoop {
    const parts = this.#parts(0);
    return loopOf({ id: 'ST', max: 1, required: true, trigger: undefined }, parts);
  }

  /** The segments and loops at a depth, up to the first line that is less deep. */
  #parts(depth: number): (GuideSegment | GuideLoop)[] {
    const parts: (GuideSegment | GuideLoop)[] = [];
    for (let line = this.#lines[this.#at]; line?.depth === depth; line = this.#lines[this.#at]) {
      this.#at += 1;
      const [head = '', ...segments] = line.text.split(' ').filter((word) => word !== '');
      if (head === '-') parts.push(...segments.map(segmentOf));
      else parts.push(this.#loop(head, segments, depth));
    }
    return parts;
  }

  #loop(head: string, segments: readonly string[], depth: number): GuideLoop {
    const { name: id, max, required } = countOf(head);
    const again = segments[0] === '@' ? this.#known.get(id) : undefined;
    if (again !== undefined) return { ...again, max, required };
    const [trigger, ...own] = segments.map(segmentOf);
    const loop = loopOf({ id, max, required, trigger }, [...own, ...this.#parts(depth + 1)]);
    this.#known.set(id, loop);
    return loop;
  }
}

function loopOf(
  head: Pick<GuideLoop, 'id' | 'max' | 'required' | 'trigger'>,
  parts: readonly (GuideSegment | GuideLoop)[],
): GuideLoop {
  const loops = parts.filter(isLoop);
  const own = new Set(parts.flatMap((part) => (isLoop(part) ? [] : [part.code])));
  const first = head.trigger === undefined ? [] : [head.trigger.code];
  return {
    ...head,
    positions: positionsOf(parts),
    own,
    loops: Map.groupBy(loops, firstCode),
    all: new Set([...first, ...own, ...loops.flatMap((loop) => [...loop.all])]),
    ids: new Set(loops.flatMap(({ id, ids }) => [id, ...ids])),
    telling: tellingOf(loops),
  };
}

function tellingOf(loops: readonly GuideLoop[]): GuideLoop['telling'] {
  const telling = new Map<number, Set<number>>();
  const add = (code: number, elements: Iterable<number>): void => {
    const known = telling.get(code) ?? new Set();
    for (const element of elements) known.add(element);
    telling.set(code, known);
  };
  for (const loop of loops) {
    const { trigger } = loop;
    if (trigger !== undefined)
      add(
        trigger.code,
        trigger.qualifiers.map(({ element }) => element),
      );
    for (const [code, elements] of loop.telling) add(code, elements);
  }
  return telling;
}

/** Consecutive parts with the same name may come in any order. */
function positionsOf(parts: readonly (GuideSegment | GuideLoop)[]): GuidePosition[] {
  const positions: (GuideSegment | GuideLoop)[][] = [];
  for (const part of parts) {
    const last = positions.at(-1);
    const isSame = last?.[0] !== undefined && firstCode(last[0]) === firstCode(part);
    if (isSame) last.push(part);
    else positions.push([part]);
  }
  return positions;
}

function firstCode(part: GuideSegment | GuideLoop): number {
  return isLoop(part) ? (part.trigger?.code ?? 0) : part.code;
}

function segmentOf(word: string): GuideSegment {
  const { name: whole, max, required } = countOf(word);
  const [name = '', ...qualifiers] = whole.split(':');
  return { name, code: nameCode(name), qualifiers: qualifiers.map(qualifierOf), max, required };
}

function qualifierOf(text: string): Qualifier {
  const [place = '', codes = ''] = text.split('=');
  const [element, component] = place.split('.').map(Number);
  return { element: element ?? 0, component: component ?? 0, codes: new Set(codes.split(',')) };
}

/** `NAME*3!` */
function countOf(word: string): { name: string; max: number; required: boolean } {
  const [, name = '', count, needed] = /^([^*!]*)(\*\d*)?(!)?$/.exec(word) ?? [];
  const max =
    count === undefined ? 1 : count === '*' ? Number.POSITIVE_INFINITY : Number(count.slice(1));
  return { name, max, required: needed !== undefined };
}
