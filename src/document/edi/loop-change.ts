import type { Line } from '../segment/line.ts';
import type { LineList } from '../segment/line-list.ts';
import type { Marks } from '../segment/place.ts';
import { Loop } from './loop.ts';
import { endsEnvelope, isEnvelope, placeOf } from './loop-tree.ts';

/**
 * Adding or removing lines usually changes only the ends of the loops around them. These functions adjust the loops, so that a
 * transform over every claim of a large interchange need not find them all again for each segment that it adds or removes.
 */
export interface Lines {
  /** The current lines. */
  readonly list: LineList;
  readonly marks: Marks;
  /** The innermost loop that contains a line. */
  readonly at: (line: Line) => Loop | undefined;
}

/** Adjusts the loops to a line that was added; returns its loop. Undefined, and nothing changed, if they must be found again. */
export function lineAdded(lines: Lines, line: Line): Loop | undefined {
  const before = lines.list.before(line);
  if (before === undefined || isEnvelope(line.code) || endsEnvelope(before.code)) return undefined;
  const loop = lines.at(before);
  if (loop === undefined) return undefined;
  const { loop: holder, begins } = placeOf(loop, line, lines.marks);
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
export function linesLeave(lines: Lines, leaving: ReadonlySet<Line>): boolean {
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
  const then = placeOf(loop, line, marks);
  return now?.first === line
    ? then.loop === now.around && then.begins === now.guide
    : then.loop === now && then.begins === undefined;
}
