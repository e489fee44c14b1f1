import type { Document } from '../document/document.ts';
import type { Hl7Segment } from '../document/hl7/hl7-segment.ts';
import type { Scope } from '../expression/expression.ts';
import type { Transform } from './transform.ts';

/** One application of a declarative transform to one message. */
export interface Run {
  /** Where the new message began: as a copy of the one that came, or with nothing. */
  readonly start: 'copy' | 'empty';
  /** The message as it came; nothing writes to it. */
  readonly source: Document;
  /** The new message. */
  readonly target: Document;
  /** Pairs the segments of both, where the transform loops over segments. */
  readonly segments: SegmentPairs | undefined;
  readonly transform: (name: string) => Transform | undefined;
  /** How many turns each loop has made. */
  readonly totals: Map<object, number>;
  /** The step at work, for the error that names it. */
  step: string;
  /** A step has removed segments of the new message. */
  removed: boolean;
  /** The new message is not wanted. */
  discarded: boolean;
  /** How deep `call` is nested. */
  depth: number;
}

/** A segment of the message that came and its counterpart, which may have been removed since. */
export interface SegmentPairs {
  readonly source: readonly Hl7Segment[];
  /** Of equal length if the new message is a copy, else empty. */
  readonly target: readonly Hl7Segment[];
}

/** One turn of a loop. Turns that the loop's condition left out do not count. */
export interface LoopTurn {
  /** As the loop names what it goes over. */
  readonly over: string;
  /** From 1, since the loop began. */
  readonly turn: number;
  /** From 1, since the transform began: a loop inside of another begins often. */
  readonly total: number;
}

/** What a step works on: the whole message, or in a loop one part of it. */
export interface Work {
  readonly run: Run;
  /** What expressions see. */
  readonly scope: Scope;
  /** What the paths of steps write. */
  readonly target: Document;
  readonly loop: SegmentLoop | undefined;
  /** The turns of the loops around, from the outermost. */
  readonly turns: readonly LoopTurn[];
}

/** The innermost loop over segments. */
export interface SegmentLoop {
  readonly name: string;
  /** Position of the segment at hand in `SegmentPairs`. */
  readonly at: number;
  /** Where what belongs to the loop outside of it ends. */
  readonly until: number;
  /** Behind what `insert` puts its segment; moves on with each, so that they stand in order. */
  behind: Hl7Segment | undefined;
}

export interface Step {
  /** `step 3 (set PV1-3.1)` */
  readonly label: string;
  readonly run: (work: Work) => void;
}

/** Does steps in order until one discards the message. */
export function doSteps(steps: readonly Step[], work: Work): void {
  const { run } = work;
  for (const step of steps) {
    if (run.discarded) return;
    run.step = step.label;
    step.run(work);
  }
}
