import type { Envelope } from '../message/message.ts';
import type { OutcomeRecord, RecordedError } from '../message/record.ts';
import type { Status } from '../message/status.ts';
import type { QueuePlace } from './trace-input.ts';

/**
 * What a store keeps about one message: all facts so far, folded together (fold.ts). Bodies are
 * numbers by which the store finds them.
 */
export interface MessageState {
  readonly id: number;
  readonly sessionId: number;
  /** The host that the message belongs to: its target. */
  readonly host: string;
  /** Absent while only an attempt or outcome has been read. */
  readonly envelope?: Envelope | undefined;
  readonly queue?: QueuePlace | undefined;
  readonly body?: number | undefined;
  /** The message whose body this one shares. */
  readonly sameBodyAs?: number | undefined;
  readonly attempts: number;
  /** Absent once the message is settled. */
  readonly lastTry?: { readonly at: number; readonly error: RecordedError } | undefined;
  readonly settlement?: Settlement | undefined;
  readonly possibleDuplicate?: boolean | undefined;
  readonly duplicateOf?: number | undefined;
  readonly note?: string | undefined;
}

/** How a message ended, or that it is suspended, from its outcome. */
export interface Settlement extends Omit<OutcomeRecord, OfMessage | 'started' | 'done' | 'reply'> {
  readonly started?: number | undefined;
  /** Absent if the message was only found among the suspended ones and its outcome has not been read yet. */
  readonly done?: number | undefined;
  readonly reply?: StoredReply | undefined;
  /** Derived from the queue instead of reported. */
  readonly presumed?: boolean | undefined;
}

/** What an outcome says about the message itself rather than its end. */
type OfMessage = 'kind' | 'id' | 'sessionId' | 'host' | 'attempts' | 'possibleDuplicate';

export type StoredReply = NonNullable<OutcomeRecord['reply']> & {
  readonly body?: number | undefined;
};

export function statusOf({ settlement, lastTry }: MessageState): Status {
  if (settlement !== undefined) return settlement.status;
  return lastTry === undefined ? 'queued' : 'retrying';
}
