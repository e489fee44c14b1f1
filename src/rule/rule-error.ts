import { EngineError } from '../error/engine-error.ts';
import type { Explanation } from '../message/record.ts';

/** A rule's condition failed. Nothing was chosen: the message is suspended, and the trace shows how far the rules got. */
export class RuleError extends EngineError {
  readonly explanation: Explanation;

  constructor(rule: string, failed: EngineError, explanation: Explanation) {
    super(failed.code, `Rule "${rule}": ${failed.message}`, {
      retryable: failed.retryable,
      cause: failed,
    });
    this.explanation = explanation;
  }
}
