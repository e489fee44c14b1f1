import { EngineError } from '../error/engine-error.ts';
import type { Explanation } from '../message/record.ts';

/**
 * The condition of a rule failed. Nothing was chosen: the message is suspended, and the trace shows
 * how far the rules got.
 */
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
