import type { MessageOutcome } from '../message/message.ts';
import type { RecordedError } from '../message/record.ts';

/** How a message ended, for a sender that waits: without the peer's own text, which only the trace has. */
export function outcomeOf(status: string, error: RecordedError | undefined): MessageOutcome {
  if (error === undefined) return { status };
  const { code, retryable, text } = error;
  return { status, text, error: { code, retryable } };
}
