import type { BatchChanges } from './batch.ts';
import type { MessageState } from './message-state.ts';

/** Where the trace differs from the streams about a message. */
export interface TraceDifference {
  readonly id: number;
  readonly sessionId: number;
  readonly host: string;
  /** The trace has no such message; it has a different outcome; or a part is missing, such as its body or rules. */
  readonly kind: 'missing' | 'outcome' | 'incomplete';
}

/** What applying a batch would change, message by message. */
export function differencesOf(
  { messages }: Pick<BatchChanges, 'messages'>,
  before: (id: number) => MessageState | undefined,
): TraceDifference[] {
  return messages.map((state) => {
    const { id, sessionId, host } = state;
    const known = before(id);
    return { id, sessionId, host, kind: kindOf(known, state) };
  });
}

function kindOf(known: MessageState | undefined, state: MessageState): TraceDifference['kind'] {
  if (known === undefined || (known.envelope === undefined && state.envelope !== undefined)) {
    return 'missing';
  }
  const isSame =
    known.settlement?.status === state.settlement?.status &&
    known.settlement?.presumed === state.settlement?.presumed;
  return isSame ? 'incomplete' : 'outcome';
}
