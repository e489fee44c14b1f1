import type { Line } from '../../segment/line.ts';
import type { EdiSyntax } from '../edi-syntax.ts';
import { fits } from '../guide/fits.ts';
import { type GuideLoop, type GuideSegment, isLoop } from '../guide/guide.ts';
import { x12Segment } from '../x12/segment-elements.ts';
import { type EdiFinding, type EdiPlace, found } from './finding.ts';

type Part = GuideSegment | GuideLoop;

/** A loop that is open while segments are being read. */
interface Frame {
  readonly loop: GuideLoop;
  /** The position reached in it. */
  at: number;
  readonly counts: Map<Part, number>;
}

interface Match {
  readonly depth: number;
  readonly at: number;
  readonly part: Part;
  /** It has occurred as often as allowed. */
  readonly isOver: boolean;
}

/** How a standard says what is wrong. */
export interface WalkWords {
  /** Its code for one of AK304. */
  readonly code: (code: string) => string;
  /** Whether a segment that the guide does not have is one of the standard. */
  readonly isKnown: (segment: string) => boolean;
  /** In the transaction set or message. */
  readonly notIn: (path: string) => string;
  readonly tooMany: (path: string, loop: string, most: number) => string;
  /** Within a loop or group. */
  readonly within: (loop: string) => string;
  readonly missing: (loop: string, segment: string, where: string, before: string) => string;
}

const X12_WORDS: WalkWords = {
  code: (code) => code,
  isKnown: (segment) => x12Segment(segment) !== undefined,
  notIn: (path) => `${path} is not in this transaction set.`,
  tooMany: (path, loop, most) => `${path} begins loop ${loop} more than ${most} times.`,
  within: (loop) => ` in loop ${loop}`,
  missing: (loop, segment, where, before) =>
    `Loop ${loop} (${segment}) is missing${where}, before ${before}.`,
};

/** Follows the segments of a transaction set through its guide, and reports misplaced and missing ones. */
export class GuideWalk {
  readonly findings: EdiFinding[] = [];
  readonly #syntax: EdiSyntax;
  readonly #guide: GuideLoop;
  readonly #open: Frame[];

  readonly #words: WalkWords;

  constructor(guide: GuideLoop, syntax: EdiSyntax, words = X12_WORDS) {
    this.#words = words;
    this.#guide = guide;
    this.#syntax = syntax;
    this.#open = [frame(guide)];
  }

  /** Takes the next segment between ST and SE. */
  take(line: Line, place: EdiPlace): void {
    const match = this.#match(line);
    if (match === undefined) {
      this.#unmatched(line, place);
      return;
    }
    this.#close(match.depth + 1, place);
    const at = this.#open[match.depth];
    if (at === undefined) return;
    this.#passed(at, match.at, place);
    at.at = match.at;
    at.counts.set(match.part, (at.counts.get(match.part) ?? 0) + 1);
    if (match.isOver) this.#find(...tooMany(match.part, place, this.#words));
    if (isLoop(match.part)) this.#open.push(frame(match.part));
  }

  #find(code: string, place: EdiPlace, text: string): void {
    this.findings.push(found('segment', this.#words.code(code), place, text));
  }

  /** Reports missing segments at the end, at the trailer. */
  end(place: EdiPlace): void {
    this.#close(0, place);
  }

  /** Where a segment fits: in the innermost open loop or else in an outer one, each from the position reached. */
  #match(line: Line): Match | undefined {
    let over: Match | undefined;
    for (let depth = this.#open.length - 1; depth >= 0; depth--) {
      for (const match of this.#matches(line, depth)) {
        if (!match.isOver) return match;
        over ??= match;
      }
    }
    return over;
  }

  *#matches(line: Line, depth: number): Generator<Match> {
    const { loop, at, counts } = this.#open[depth] as Frame;
    for (let position = at; position < loop.positions.length; position++) {
      const parts = loop.positions[position] ?? [];
      for (const part of parts.filter((one) => isOf(line, one, this.#syntax))) {
        yield { depth, at: position, part, isOver: (counts.get(part) ?? 0) >= part.max };
      }
    }
  }

  #unmatched(line: Line, place: EdiPlace): void {
    const { segment } = place;
    if (!this.#guide.all.has(line.code)) {
      if (!this.#words.isKnown(segment)) {
        return this.#find('1', place, `${place.path} is not a known segment.`);
      }
      return this.#find('6', place, this.#words.notIn(place.path));
    }
    const { loop, at } = this.#open.at(-1) as Frame;
    const isBefore = loop.positions
      .slice(0, at)
      .some((parts) => parts.some((part) => isOf(line, part, this.#syntax)));
    if (isBefore) this.#find('7', place, `${place.path} is out of order.`);
    else this.#find('2', place, `${place.path} is not expected here.`);
  }

  /** Ends the loops from a depth on. */
  #close(depth: number, place: EdiPlace): void {
    while (this.#open.length > depth) {
      const ended = this.#open.pop() as Frame;
      this.#passed(ended, ended.loop.positions.length, place);
    }
  }

  /** Reports segments required between the position reached and another. */
  #passed({ loop, at, counts }: Frame, to: number, place: EdiPlace): void {
    for (let position = at; position < to; position++) {
      for (const part of loop.positions[position] ?? []) {
        if (!part.required || (counts.get(part) ?? 0) > 0) continue;
        this.#find(...missing(part, loop, { place, words: this.#words }));
      }
    }
  }
}

function frame(loop: GuideLoop): Frame {
  return { loop, at: 0, counts: new Map() };
}

function isOf(line: Line, part: Part, syntax: EdiSyntax): boolean {
  const segment = isLoop(part) ? part.trigger : part;
  return segment !== undefined && fits(line, segment, syntax);
}

type Told = readonly [code: string, place: EdiPlace, text: string];

function tooMany(part: Part, place: EdiPlace, words: WalkWords): Told {
  const most = part.max;
  return isLoop(part)
    ? ['4', place, words.tooMany(place.path, part.id, most)]
    : ['5', place, `${place.path} occurs more than ${most} times there.`];
}

/** The place is that of the segment that it should precede. */
function missing(
  part: Part,
  loop: GuideLoop,
  { place, words }: { readonly place: EdiPlace; readonly words: WalkWords },
): Told {
  const around = loop.id === 'ST' ? '' : loop.id;
  const where = around === '' ? '' : words.within(around);
  const segment = (isLoop(part) ? part.trigger?.name : part.name) ?? '';
  const which = isLoop(part) ? undefined : part.qualifiers[0];
  const codes = which === undefined ? '' : ` (${[...which.codes].join(' or ')})`;
  const at = { ...place, segment, loop: isLoop(part) ? part.id : around };
  if (!isLoop(part)) {
    return ['3', at, `${segment}${codes} is missing${where}, before ${place.path}.`];
  }
  return ['I7', at, words.missing(part.id, segment, where, place.path)];
}
