import type { Document } from '../../document/document.ts';
import { Hl7Document } from '../../document/hl7/hl7-document.ts';
import { NewSegment } from '../new-segment.ts';
import { doSteps, type Run, type SegmentPairs, type Step, type Work } from '../work.ts';
import { type LoopBody, notOfKind } from './loop-body.ts';

/**
 * Loops over the segments of a name in the message as it came; inside another such loop, over those
 * that belong to the outer one's segment: behind it, up to the next of its name. Segments that a step
 * has removed from the new message are left out.
 */
export function eachSegment(name: string, { when, steps }: LoopBody): Step['run'] {
  return (work) => {
    const { run, scope } = work;
    if (run.segments === undefined) throw notOfKind(name, 'hl7', run.source.kind);
    const { source } = run.segments;
    const removed = removedSegments(run);
    const [from, until] = range(work, run.segments);
    let turn = 0;
    for (let at = from; at < until && !run.discarded; at++) {
      const segment = source[at];
      if (segment?.name !== name || removed(at)) continue;
      const inner = { message: scope.message, document: () => segment };
      const target = run.segments.target[at] ?? newSegment(run.target, name);
      if (when !== undefined && !when.evaluate(inner)) continue;
      const loop = { name, at, behind: undefined };
      doSteps(steps, { run, scope: inner, target, loop, turn: ++turn });
    }
  };
}

function range({ loop }: Work, { source }: SegmentPairs): readonly [number, number] {
  if (loop === undefined) return [0, source.length];
  const next = source.findIndex(({ name }, index) => index > loop.at && name === loop.name);
  return [loop.at + 1, next === -1 ? source.length : next];
}

function newSegment(target: Document, name: string): Document {
  return target instanceof Hl7Document ? new NewSegment(target, name) : target;
}

/** Whether a step has removed the counterpart of a segment. */
function removedSegments({ segments, target, removed }: Run): (at: number) => boolean {
  if (!removed || segments === undefined || !(target instanceof Hl7Document)) return () => false;
  const present = new Set(target.segments().map(({ line }) => line));
  return (at) => {
    const line = segments.target[at]?.line;
    return line !== undefined && !present.has(line);
  };
}
