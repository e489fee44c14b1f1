import type { Line } from '../segment/line.ts';
import type { Marks } from '../segment/place.ts';
import { endsEnvelope, isEnvelope, type Loop, loopAt, placeOf } from './loop-tree.ts';

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
export function lineAdded({ root, lines, marks }: Loops, index: number): Loop | undefined {
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
export function linesLeave(loops: Loops, from: number, until: number): boolean {
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
