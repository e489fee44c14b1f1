import type { Envelope, MessageOutcome } from '../message/message.ts';
import type { RecordedError } from '../message/record.ts';

/**
 * How a message ended, for a sender that waits: without the peer's own text, which only the trace has. Of a part of a
 * split it says which part, since the sender knows only the whole.
 */
export function outcomeOf(
  status: string,
  error: RecordedError | undefined,
  { part, parts = 1 }: Pick<Envelope, 'part' | 'parts'> = {},
): MessageOutcome {
  if (error === undefined) return { status };
  const { code, retryable } = error;
  const isPart = part !== undefined && parts > 1;
  const text = isPart ? `part ${part} of ${parts}: ${error.text}` : error.text;
  return { status, text, error: { code, retryable } };
}
