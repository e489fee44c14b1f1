import { timeOfId } from '../message/id.ts';
import type { Envelope } from '../message/message.ts';
import type { RecordedError } from '../message/record.ts';
import { STATUSES, type Status } from '../message/status.ts';
import { type MessageState, type Settlement, type StoredReply, statusOf } from './message-state.ts';

/** One message as a row: the same columns in every store. Texts that repeat are numbers of the word table. */
export interface MessageRow {
  readonly id: number;
  readonly session_id: number;
  readonly parent_id: number | null;
  readonly resend_of: number | null;
  readonly source: number | null;
  readonly target: number;
  readonly type: number | null;
  readonly status: number;
  readonly attempts: number;
  readonly created: number;
  readonly started: number | null;
  readonly done: number | null;
  readonly size: number;
  readonly body: number | null;
  readonly same_as: number | null;
  readonly stream: number | null;
  readonly sequence: number | null;
  readonly error_code: number | null;
  readonly error: string | null;
  readonly reply_type: number | null;
  readonly reply_code: number | null;
  readonly reply_text: string | null;
  readonly reply_body: number | null;
  readonly explain: number | null;
  readonly flags: number;
  readonly name: string | null;
  /** JSON of what few messages have. */
  readonly more: string | null;
}

/** The columns in the order of the table. */
export const MESSAGE_COLUMNS = [
  'id',
  'session_id',
  'parent_id',
  'resend_of',
  'source',
  'target',
  'type',
  'status',
  'attempts',
  'created',
  'started',
  'done',
  'size',
  'body',
  'same_as',
  'stream',
  'sequence',
  'error_code',
  'error',
  'reply_type',
  'reply_code',
  'reply_text',
  'reply_body',
  'explain',
  'flags',
  'name',
  'more',
] as const satisfies readonly (keyof MessageRow)[];

/** Numbers for texts that repeat: hosts, types, streams, codes, names of search fields. */
export interface Words {
  number(text: string): number;
  text(number: number): string;
}

/** A status as its number in the table: indexes and queries name them. */
export const STATUS_NUMBER = Object.fromEntries(
  STATUSES.map((status, number) => [status, number]),
) as Readonly<Record<Status, number>>;

const POSSIBLE_DUPLICATE = 1;
const PRESUMED = 2;
const HAS_ENVELOPE = 4;
const RETRYABLE = 8;

/** What few messages have. */
interface More {
  readonly received?: number | undefined;
  readonly charset?: string | undefined;
  readonly origin?: string | undefined;
  readonly priority?: number | undefined;
  readonly replyTo?: string | undefined;
  readonly traceparent?: string | undefined;
  readonly duplicateOf?: number | undefined;
  readonly note?: string | undefined;
  readonly warning?: string | undefined;
  readonly by?: string | undefined;
}

export function rowOfState(state: MessageState, words: Words, explain: number | null): MessageRow {
  const { envelope, settlement, queue } = state;
  const error = settlement === undefined ? state.lastTry?.error : settlement.error;
  const word = (text: string | undefined): number | null =>
    text === undefined ? null : words.number(text);
  return {
    id: state.id,
    session_id: state.sessionId,
    parent_id: envelope?.parentId ?? null,
    resend_of: envelope?.resendOf ?? null,
    source: word(envelope?.source),
    target: words.number(state.host),
    type: word(envelope?.type),
    status: STATUS_NUMBER[statusOf(state)],
    attempts: state.attempts,
    created: envelope?.created ?? timeOfId(state.id),
    started: (settlement === undefined ? state.lastTry?.at : settlement.started) ?? null,
    done: settlement?.done ?? null,
    size: envelope?.size ?? 0,
    body: state.body ?? null,
    same_as: state.sameBodyAs ?? null,
    stream: word(queue?.stream),
    sequence: queue?.sequence ?? null,
    error_code: word(error?.code),
    error: error?.text ?? null,
    ...replyColumns(settlement?.reply, word),
    explain,
    flags: flagsOf(state, error),
    name: envelope?.name ?? null,
    more: moreOf(state),
  };
}

function replyColumns(
  reply: StoredReply | undefined,
  word: (text: string | undefined) => number | null,
): Pick<MessageRow, 'reply_type' | 'reply_code' | 'reply_text' | 'reply_body'> {
  return {
    reply_type: word(reply?.type),
    reply_code: word(reply?.code),
    reply_text: reply?.text ?? null,
    reply_body: reply?.body ?? null,
  };
}

function flagsOf(state: MessageState, error: RecordedError | undefined): number {
  return (
    (state.possibleDuplicate === true ? POSSIBLE_DUPLICATE : 0) |
    (state.settlement?.presumed === true ? PRESUMED : 0) |
    (state.envelope === undefined ? 0 : HAS_ENVELOPE) |
    (error?.retryable === true ? RETRYABLE : 0)
  );
}

function moreOf({
  envelope,
  settlement,
  sessionId,
  duplicateOf,
  note,
}: MessageState): string | null {
  const received = envelope?.received;
  const more: More = {
    received: received === timeOfId(sessionId) ? undefined : received,
    charset: envelope?.charset,
    origin: envelope?.origin,
    priority: envelope?.priority,
    replyTo: envelope?.replyTo,
    traceparent: envelope?.traceparent,
    duplicateOf,
    note,
    warning: settlement?.warning,
    by: settlement?.by,
  };
  const json = JSON.stringify(more);
  return json === '{}' ? null : json;
}

export function stateOfRow(
  row: MessageRow,
  words: Words,
  explain?: Settlement['explain'],
): MessageState {
  const status = STATUSES[row.status] ?? 'queued';
  const more: More = row.more === null ? {} : (JSON.parse(row.more) as More);
  const text = (number: number | null): string | undefined =>
    number === null ? undefined : words.text(number);
  const error =
    row.error_code === null
      ? undefined
      : {
          code: words.text(row.error_code),
          text: row.error ?? '',
          retryable: (row.flags & RETRYABLE) !== 0,
        };
  const open = status === 'queued' || status === 'retrying';
  return {
    id: row.id,
    sessionId: row.session_id,
    host: words.text(row.target),
    envelope: envelopeOf(row, words, more),
    queue:
      row.stream === null || row.sequence === null
        ? undefined
        : { stream: words.text(row.stream), sequence: row.sequence },
    body: row.body ?? undefined,
    sameBodyAs: row.same_as ?? undefined,
    attempts: row.attempts,
    lastTry:
      status === 'retrying' && error !== undefined ? { at: row.started ?? 0, error } : undefined,
    settlement: open
      ? undefined
      : {
          status,
          started: row.started ?? undefined,
          done: row.done ?? undefined,
          reply: replyOf(row, text),
          explain,
          error,
          warning: more.warning,
          by: more.by,
          presumed: (row.flags & PRESUMED) === 0 ? undefined : true,
        },
    possibleDuplicate: (row.flags & POSSIBLE_DUPLICATE) === 0 ? undefined : true,
    duplicateOf: more.duplicateOf,
    note: more.note,
  };
}

function replyOf(
  row: MessageRow,
  text: (number: number | null) => string | undefined,
): StoredReply | undefined {
  if (row.reply_type === null) return undefined;
  return {
    type: text(row.reply_type) ?? '',
    code: text(row.reply_code),
    text: row.reply_text ?? undefined,
    body: row.reply_body ?? undefined,
  };
}

function envelopeOf(row: MessageRow, words: Words, more: More): Envelope | undefined {
  if ((row.flags & HAS_ENVELOPE) === 0) return undefined;
  return {
    id: row.id,
    sessionId: row.session_id,
    parentId: row.parent_id ?? undefined,
    source: row.source === null ? '' : words.text(row.source),
    target: words.text(row.target),
    type: row.type === null ? '' : words.text(row.type),
    created: row.created,
    received: more.received ?? timeOfId(row.session_id),
    size: row.size,
    charset: more.charset,
    name: row.name ?? undefined,
    origin: more.origin,
    priority: more.priority,
    replyTo: more.replyTo,
    resendOf: row.resend_of ?? undefined,
    traceparent: more.traceparent,
  };
}
