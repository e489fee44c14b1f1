import type { Settlement } from '../message-state.ts';
import type { PastOutcome } from '../traced-message.ts';

/** A replaced outcome as a reader sees it. */
export function pastOutcome(messageId: number, past: Settlement): PastOutcome {
  const { status, done = 0, error, by } = past;
  return { messageId, status, done, error, by };
}
