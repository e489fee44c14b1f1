import type { Document } from '../../document/document.ts';
import { EngineError } from '../../error/engine-error.ts';
import type { Expression } from '../../expression/expression.ts';
import type { Step } from '../work.ts';

/** What a loop does each time. */
export interface LoopBody {
  /** Asked for each, with the part at hand. */
  readonly when: Expression<boolean> | undefined;
  readonly steps: readonly Step[];
}

type Kind = Document['kind'];

/** The error of a loop in a message that has no such parts. */
export function notOfKind(over: string, needed: Kind, found: Kind): EngineError {
  return new EngineError(
    'TRANSFORM_FAILED',
    `each: ${over} needs a body that is ${needed}, and this is ${found}`,
  );
}
