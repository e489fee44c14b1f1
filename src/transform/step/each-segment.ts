import type { Document } from '../../document/document.ts';
import type { Segment } from '../../document/segment/segment.ts';
import { SegmentDocument } from '../../document/segment/segment-document.ts';
import { NewSegment } from '../new-segment.ts';
import type { Run, SegmentLoop, SegmentPairs, Step, Work } from '../work.ts';
import { type LoopBody, notOfKind } from './loop-body.ts';
import { Turns } from './turns.ts';

/**
 * Loops over the segments with a name in the incoming message; inside another such loop, over those
 * that belong to the outer segment: after it, up to the next with its name. Segments that a step
 * has removed from the new message are left out.
 */
export function eachSegment(name: string, body: LoopBody): Step['run'] {
  return (work) => {
    const turns = new Turns(work, name, body);
    for (const { source, target, loop } of segmentsAt(work, name)) {
      if (!turns.goesOn) return;
      turns.make(source, () => target, loop);
    }
  };
}

interface SegmentAt {
  readonly source: Document;
  readonly target: Document;
  readonly loop: SegmentLoop;
}

/** The segments with a name that a loop goes over, within the loops around it. */
export function* segmentsAt(work: Work, name: string): Iterable<SegmentAt> {
  const { run, scope, target } = work;
  const { segments } = run;
  if (segments === undefined) throw notOfKind(name, 'hl7', run.source.kind);
  const removed = removedSegments(run);
  const [from, until] = range(work, segments);
  for (let at = from; at < until; at++) {
    const segment = segments.source[at];
    if (segment?.name !== name || removed(at)) continue;
    yield {
      source: segment.inside(scope.document()),
      target: segments.target[at]?.inside(target) ?? newSegment(run.target, name, target),
      loop: { name, at, until, behind: undefined },
    };
  }
}

/** Whether any segment with a name is where an outer loop could own it: at its first segment or after it. */
export function isInsideLoop({ loop, run }: Work, name: string): boolean {
  if (loop === undefined || run.segments === undefined) return false;
  const { source } = run.segments;
  const first = source.findIndex((one) => one.name === loop.name);
  return source.slice(first).some((one) => one.name === name);
}

function range({ loop }: Work, { source }: SegmentPairs): readonly [number, number] {
  if (loop === undefined) return [0, source.length];
  const next = source.findIndex(({ name }, index) => index > loop.at && name === loop.name);
  return [loop.at + 1, next === -1 ? loop.until : Math.min(next, loop.until)];
}

function newSegment(message: Document, name: string, around: Document): Document {
  return message instanceof SegmentDocument ? new NewSegment(message, name, around) : around;
}

/** Whether a step has removed the counterpart of a segment. */
function removedSegments({ segments, target, removed }: Run): (at: number) => boolean {
  if (!removed || segments === undefined || !(target instanceof SegmentDocument))
    return () => false;
  const present = new Set(target.segments().map(({ line }) => line));
  return (at) => {
    const line: Segment['line'] | undefined = segments.target[at]?.line;
    return line !== undefined && !present.has(line);
  };
}
