import type { Expression } from '../expression/expression.ts';

/** Where a rule sends: one target, optionally through a transform and on a further condition. */
export interface Send {
  readonly to: string;
  /** A transform's name, or several applied one after the other. */
  readonly transforms: readonly string[];
  readonly when?: Expression<boolean> | undefined;
}

/** A span of time, in milliseconds since 1970. An end that is left out is open; `until` is exclusive. */
export interface Effective {
  readonly from?: number | undefined;
  readonly until?: number | undefined;
}

export interface Rule {
  readonly name: string;
  /** Always true if left out. */
  readonly when?: Expression<boolean> | undefined;
  /** If empty, the rule takes the message and discards it. */
  readonly send: readonly Send[];
  /** Continue with the next rules although this one fired. */
  readonly continue: boolean;
  readonly disabled: boolean;
  /** Outside of it the rule counts as disabled. */
  readonly effective?: Effective | undefined;
}

/** Rules tried in order; the first that fires ends the set unless it says `continue`. */
export interface RuleSet {
  readonly name: string;
  readonly rules: readonly Rule[];
  /** What happens to a message that no rule takes: `discard` (default), `suspend`, or sends of its own. */
  readonly otherwise: 'discard' | 'suspend' | readonly Send[];
  /** Outside of it the set is skipped, including its `otherwise`. */
  readonly effective?: Effective | undefined;
}
