import { timeOfId } from '../message/id.ts';
import type { Envelope } from '../message/message.ts';
import type { Explanation, HostRecord, RecordedError } from '../message/record.ts';
import type { Status } from '../message/status.ts';
import { type MessageState, type Settlement, type StoredReply, statusOf } from './message-state.ts';
import { isSetAside, type QueuePlace } from './trace-input.ts';

/** Everything the trace knows about one message, without its body: its envelope, and how it ended. */
export interface TracedMessage
  extends Envelope,
    Omit<Settlement, 'status' | 'reply' | keyof Envelope> {
  /** `''` while only the outcome has been read, which may arrive before its message. */
  readonly source: string;
  /** `''` while only the outcome has been read. */
  readonly type: string;
  readonly status: Status;
  /** When it was taken from its queue; while it is retried, when it was last tried. */
  readonly started?: number | undefined;
  /** Tries so far. */
  readonly attempts: number;
  readonly reply?: TracedReply | undefined;
  /** Only in `message` and `session`, never in a list. */
  readonly explain?: Explanation | undefined;
  /** The stored message that this one repeats. */
  readonly duplicateOf?: number | undefined;
  /** Set if the outcome was not reported but derived from the queue: see `settleByFloor`. */
  readonly presumed?: boolean | undefined;
  readonly queue?: QueuePlace | undefined;
  /** Its process waits, or has waited, for a time or an answer, and it has no outcome yet. */
  readonly setAside?: boolean | undefined;
  /** Whether `body` returns one. */
  readonly hasBody: boolean;
}

type TracedReply = Omit<StoredReply, 'body'> & { readonly hasBody: boolean };

/** One failed try of a message. */
export interface TracedAttempt {
  readonly messageId: number;
  readonly attempt: number;
  readonly at: number;
  /** When the next try was due. */
  readonly next: number;
  readonly error: RecordedError;
}

/** An outcome that a later one replaced: a suspension that a person ended, or the first of two after a crash. */
export interface PastOutcome
  extends Pick<Settlement, 'status' | 'started' | 'error' | 'explain' | 'warning' | 'by'> {
  readonly messageId: number;
  readonly done: number;
  readonly reply?: TracedReply | undefined;
}

/** A whole session, as drawn by the visual trace. */
export interface TracedSession {
  readonly id: number;
  readonly started: number;
  /** In the order they were made. */
  readonly messages: readonly TracedMessage[];
  readonly attempts: readonly TracedAttempt[];
  readonly past: readonly PastOutcome[];
  /** Messages of this or another session that repeat one of this session, on a person's order or in a replay. */
  readonly resends: readonly {
    readonly id: number;
    readonly of: number;
    readonly sessionId: number;
  }[];
  /** Set if the session has more messages than were read. */
  readonly truncated: boolean;
}

/** A stored body: its bytes, or the object store's key of a large one. */
export interface StoredBody {
  readonly type: string;
  readonly charset?: string | undefined;
  readonly size: number;
  readonly bytes?: Uint8Array | undefined;
  readonly ref?: string | undefined;
}

export type HostEvent = Omit<HostRecord, 'kind'>;

/** What passed through one host in one interval. Counted when it happened, never from messages. */
export interface HostStatistics {
  readonly host: string;
  /** Start of the interval. */
  readonly at: number;
  /** Messages that arrived at the host: accepted from outside, or queued or routed to it. */
  readonly in: number;
  /** Messages it completed or discarded. */
  readonly out: number;
  /** Messages that failed or were suspended there. */
  readonly errors: number;
  /** Bytes in. */
  readonly bytes: number;
  /** Sum over settled messages of the milliseconds from creation to outcome; divide by `out + errors`. */
  readonly latency: number;
  readonly latencyMax: number;
}

/** The state as a reader sees it. */
export function tracedMessage(state: MessageState): TracedMessage {
  const { id, sessionId, attempts, possibleDuplicate, duplicateOf, queue } = state;
  return {
    ...(state.envelope ?? unread(state)),
    id,
    sessionId,
    attempts,
    ...ending(state),
    status: statusOf(state),
    possibleDuplicate,
    duplicateOf,
    warning: warningOf(state),
    queue,
    setAside: state.settlement === undefined && isSetAside(queue) ? true : undefined,
    hasBody: state.body !== undefined || state.sameBodyAs !== undefined,
  };
}

/** A placeholder for the envelope while only an attempt or outcome has been read. */
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
  return {
    ...settlement,
    error: tracedError(settlement),
    reply: tracedReply(settlement.reply),
  };
}

/** With the peer's text about it; a reply is stored once. */
function tracedError({
  error,
  reply,
}: Pick<Settlement, 'error' | 'reply'>): TracedMessage['error'] {
  return error && { ...error, said: error.said ?? reply?.text };
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

/** A session with more messages than this is truncated: nobody reads a longer drawing. */
export const SESSION_MESSAGES = 2_000;
/** Of a truncated session, how many are read from its beginning, and from the branch of the message that was asked for. */
export const SESSION_PART = SESSION_MESSAGES / 2;
/** The latest tries of a message, which may be retried for days. */
export const SESSION_ATTEMPTS = 200;

/**
 * From which message on the second half of a session is read, of which these states are the first: that with which the
 * branch of the asked one began. Undefined if they contain it.
 */
export function secondPart(
  states: readonly MessageState[],
  asked: MessageState | undefined,
): number | undefined {
  if (asked === undefined || states.length <= SESSION_MESSAGES) return undefined;
  if (states.slice(0, SESSION_MESSAGES).some(({ id }) => id === asked.id)) return undefined;
  return Math.max(asked.envelope?.branch ?? asked.id, states[SESSION_PART]?.id ?? 0);
}

/** A session as a reader sees it. `states` are its messages: at least one, and perhaps one more than is shown. */
export function tracedSession(
  id: number,
  states: readonly MessageState[],
  {
    attempts,
    past,
    resends,
    truncated = states.length > SESSION_MESSAGES,
  }: Pick<TracedSession, 'attempts' | 'resends'> & {
    readonly truncated?: boolean;
    readonly past: (messageId: number) => readonly Settlement[];
  },
): TracedSession {
  const messages = states
    .slice(0, SESSION_MESSAGES)
    .map((state) => sinceTaken(tracedMessage(state), past(state.id)));
  return {
    id,
    started: messages[0]?.received ?? timeOfId(id),
    messages,
    attempts,
    past: messages.flatMap(({ id: messageId }) =>
      past(messageId).map(({ status, started, done = 0, error, explain, warning, by, reply }) => ({
        messageId,
        status,
        started,
        done,
        error: tracedError({ error, reply }),
        explain,
        warning,
        by,
        reply: tracedReply(reply),
      })),
    ),
    resends,
    truncated,
  };
}

/** If a person ended a message, the time it was first taken from its queue counts. */
export function sinceTaken(message: TracedMessage, past: readonly Settlement[]): TracedMessage {
  const times = [message, ...past].flatMap(({ started }) => started ?? []);
  return past.length === 0 ? message : { ...message, started: Math.min(...times) };
}

/** The newest reply with a body from an earlier outcome, for a message whose current one has none. */
export const pastReply = (past: readonly Settlement[]): StoredReply | undefined =>
  past.findLast(({ reply }) => reply?.body !== undefined)?.reply;

/** Whether a viewer of only these hosts may see the message. `undefined` sees all. */
export function isVisible(message: TracedMessage, visible: readonly string[] | undefined): boolean {
  return (
    visible === undefined || visible.includes(message.source) || visible.includes(message.target)
  );
}

/** Whether a viewer of only these hosts may see both ends of the message, and therefore its content. */
export function isOpenTo(
  { source, target }: Pick<TracedMessage, 'source' | 'target'>,
  visible: readonly string[] | undefined,
): boolean {
  return visible === undefined || (visible.includes(target) && visible.includes(source));
}
