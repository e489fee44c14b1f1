import type { Document } from '../../document/document.ts';
import { EngineError } from '../../error/engine-error.ts';
import type { Expression } from '../../expression/expression.ts';
import type { Step } from '../work.ts';

/** What a loop does in each turn. */
export interface LoopBody {
  /** Evaluated in each turn, with the current part. */
  readonly when: Expression<boolean> | undefined;
  readonly steps: readonly Step[];
}

type Kind = Document['kind'];

/** The error of a loop over a message that cannot have such parts. */
export function notOfKind(over: string, needed: Kind, found: Kind): EngineError {
  return new EngineError(
    'TRANSFORM_FAILED',
    `each: ${over} needs a body that is ${needed}, but this one is ${found}`,
  );
}
