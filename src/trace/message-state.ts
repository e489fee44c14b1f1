import { timeOfId } from '../message/id.ts';
import type { Envelope } from '../message/message.ts';
import type { Explanation, RecordedError } from '../message/record.ts';
import type { Outcome, Status } from '../message/status.ts';
import { isSetAside, type QueuePlace } from './trace-input.ts';
import type { TracedMessage } from './traced-message.ts';

/**
 * What a store keeps of one message: everything said of it so far, folded together (fold.ts).
 * Bodies are numbers by which the store finds them.
 */
export interface MessageState {
  readonly id: number;
  readonly sessionId: number;
  /** The host whose message it is: its target. */
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

/** How a message ended, or that it is suspended. */
export interface Settlement {
  readonly status: Outcome;
  readonly started?: number | undefined;
  /** Absent if the message was only found among the suspended ones and its outcome is still to come. */
  readonly done?: number | undefined;
  readonly reply?: StoredReply | undefined;
  readonly explain?: Explanation | undefined;
  readonly error?: RecordedError | undefined;
  readonly warning?: string | undefined;
  readonly by?: string | undefined;
  /** Not reported but derived from the queue. */
  readonly presumed?: boolean | undefined;
}

export interface StoredReply {
  readonly type: string;
  readonly code?: string | undefined;
  readonly text?: string | undefined;
  readonly body?: number | undefined;
}

export function statusOf({ settlement, lastTry }: MessageState): Status {
  if (settlement !== undefined) return settlement.status;
  return lastTry === undefined ? 'queued' : 'retrying';
}

/** The state as a reader sees it. */
export function tracedMessage(state: MessageState): TracedMessage {
  const { id, sessionId, attempts, possibleDuplicate, duplicateOf, queue } = state;
  return {
    ...(state.envelope ?? unread(state)),
    id,
    sessionId,
    status: statusOf(state),
    attempts,
    ...ending(state),
    possibleDuplicate,
    duplicateOf,
    warning: warningOf(state),
    queue,
    setAside: state.settlement === undefined && isSetAside(queue) ? true : undefined,
    hasBody: state.body !== undefined || state.sameBodyAs !== undefined,
  };
}

/** What stands for the envelope while only an attempt or outcome has been read. */
function unread({ id, sessionId, host }: MessageState): Omit<Envelope, 'id' | 'sessionId'> {
  return {
    source: '',
    target: host,
    type: '',
    created: timeOfId(id),
    received: timeOfId(sessionId),
    size: 0,
  };
}

function ending({ settlement, lastTry }: MessageState): Partial<TracedMessage> {
  if (settlement === undefined) return { started: lastTry?.at, error: lastTry?.error };
  const { started, done, error, explain, by, presumed, reply } = settlement;
  return { started, done, error, explain, by, presumed, reply: tracedReply(reply) };
}

function warningOf({ note, settlement }: MessageState): string | undefined {
  const warnings = [note, settlement?.warning].filter((text) => text !== undefined);
  return warnings.length === 0 ? undefined : warnings.join('; ');
}

function tracedReply(reply: StoredReply | undefined): TracedMessage['reply'] {
  if (reply === undefined) return undefined;
  const { body, ...rest } = reply;
  return { ...rest, hasBody: body !== undefined };
}
