import type { Document } from '../document/document.ts';
import type { Segment } from '../document/segment/segment.ts';
import type { Scope } from '../expression/expression.ts';
import type { Transform, WatchedInput } from './transform.ts';

/** One application of a declarative transform to one message. */
export interface Run {
  /** How the new message began: as a copy of the incoming one, or empty. */
  readonly start: 'copy' | 'empty';
  /** The incoming message; nothing writes to it. */
  readonly source: Document;
  /** The new message. */
  readonly target: Document;
  /** Pairs the segments of both messages, if the transform loops over segments. */
  readonly segments: SegmentPairs | undefined;
  readonly transform: (name: string) => Transform | undefined;
  /** How many turns each loop has made so far. */
  readonly totals: Map<object, number>;
  /** The current step, for the error that names it. */
  step: string;
  /** Whether a step has removed segments of the new message. */
  removed: boolean;
  /** Whether the new message was discarded. */
  discarded: boolean;
  /** What people should know of the new message, without any value. */
  readonly notes: readonly string[];
  /** The nesting depth of `call`. */
  depth: number;
  /** Called after each step that was run, for a person who looks at the steps. */
  readonly watch: WatchedInput['watch'];
}

/** A segment of the incoming message and its counterpart, which may have been removed since. */
export interface SegmentPairs {
  readonly source: readonly Segment[];
  /** As many as there are segments if the new message is a copy, otherwise empty. */
  readonly target: readonly Segment[];
}

/** One turn of a loop. Turns that the loop's condition left out do not count. */
export interface LoopTurn {
  /** What the loop goes over, as the loop names it. */
  readonly over: string;
  /** From 1, since the loop began. */
  readonly turn: number;
  /** From 1, since the transform began: a nested loop begins many times. */
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
  /** The turns of the surrounding loops, outermost first. */
  readonly turns: readonly LoopTurn[];
}

/** The innermost loop over segments. */
export interface SegmentLoop {
  readonly name: string;
  /** Position of the current segment in `SegmentPairs`. */
  readonly at: number;
  /** Where the part that belongs to the outer loop ends. */
  readonly until: number;
  /** After what `insert` adds its segment; moves on with each one, so that they stay in order. */
  behind: Segment | undefined;
}

export interface Step {
  /** `step 3 (set PV1-3.1)` */
  readonly label: string;
  readonly run: (work: Work) => void;
}

/** Runs steps in order until one discards the message. */
export function doSteps(steps: readonly Step[], work: Work): void {
  const { run } = work;
  for (const step of steps) {
    if (run.discarded) return;
    run.step = step.label;
    step.run(work);
    run.watch?.(step.label, run.target);
  }
}
