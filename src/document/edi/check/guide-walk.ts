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

/** Follows the segments of a transaction set through its guide, and reports misplaced and missing ones. */
export class GuideWalk {
  readonly findings: EdiFinding[] = [];
  readonly #syntax: EdiSyntax;
  readonly #guide: GuideLoop;
  readonly #open: Frame[];

  constructor(guide: GuideLoop, syntax: EdiSyntax) {
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
    if (match.isOver) this.findings.push(tooMany(match.part, place));
    if (isLoop(match.part)) this.#open.push(frame(match.part));
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
      const isKnown = x12Segment(segment) !== undefined;
      this.findings.push(
        isKnown
          ? found('segment', '6', place, `${place.path} is not in this transaction set.`)
          : found('segment', '1', place, `${place.path} is not a known segment.`),
      );
      return;
    }
    const { loop, at } = this.#open.at(-1) as Frame;
    const isBefore = loop.positions
      .slice(0, at)
      .some((parts) => parts.some((part) => isOf(line, part, this.#syntax)));
    this.findings.push(
      isBefore
        ? found('segment', '7', place, `${place.path} is out of order.`)
        : found('segment', '2', place, `${place.path} is not expected here.`),
    );
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
        this.findings.push(missing(part, loop, place));
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

function tooMany(part: Part, place: EdiPlace): EdiFinding {
  const most = part.max;
  return isLoop(part)
    ? found('segment', '4', place, `${place.path} begins loop ${part.id} more than ${most} times.`)
    : found('segment', '5', place, `${place.path} occurs more than ${most} times there.`);
}

/** The place is that of the segment that it should precede. */
function missing(part: Part, loop: GuideLoop, place: EdiPlace): EdiFinding {
  const around = loop.id === 'ST' ? '' : loop.id;
  const where = around === '' ? '' : ` in loop ${around}`;
  const segment = (isLoop(part) ? part.trigger?.name : part.name) ?? '';
  const which = isLoop(part) ? undefined : part.qualifiers[0];
  const codes = which === undefined ? '' : ` (${[...which.codes].join(' or ')})`;
  const at = { ...place, segment, loop: isLoop(part) ? part.id : around };
  return isLoop(part)
    ? found(
        'segment',
        'I7',
        at,
        `Loop ${part.id} (${segment}) is missing${where}, before ${place.path}.`,
      )
    : found('segment', '3', at, `${segment}${codes} is missing${where}, before ${place.path}.`);
}
