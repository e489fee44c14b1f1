import { timeOfId } from '../../message/id.ts';
import type { Envelope } from '../../message/message.ts';
import type { RecordedError } from '../../message/record.ts';
import {
  type MessageState,
  type Settlement,
  type StoredReply,
  statusOf,
} from '../message-state.ts';
import { FLAG, STATUS_CODE, statusOfCode } from './stored-code.ts';

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

interface More {
  readonly received?: number | undefined;
  readonly charset?: string | undefined;
  readonly origin?: string | undefined;
  readonly priority?: number | undefined;
  readonly replyTo?: string | undefined;
  readonly traceparent?: string | undefined;
  readonly testBy?: string | undefined;
  readonly duplicateOf?: number | undefined;
  readonly note?: string | undefined;
  readonly warning?: string | undefined;
  readonly by?: string | undefined;
}

type ToWord = (text: string | undefined) => number | null;
type ToText = (number: number | null) => string | undefined;

export function rowOfState(state: MessageState, words: Words, explain: number | null): MessageRow {
  const word: ToWord = (text) => (text === undefined ? null : words.number(text));
  const error = errorOf(state);
  return {
    ...legColumns(state, word),
    target: words.number(state.host),
    status: STATUS_CODE[statusOf(state)],
    attempts: state.attempts,
    ...endColumns(state),
    body: state.body ?? null,
    same_as: state.sameBodyAs ?? null,
    stream: word(state.queue?.stream),
    sequence: state.queue?.sequence ?? null,
    error_code: word(error?.code),
    error: error?.text ?? null,
    ...replyColumns(state.settlement?.reply, word),
    explain,
    flags: flagsOf(state, error),
    more: moreOf(state),
  };
}

function errorOf({ settlement, lastTry }: MessageState): RecordedError | undefined {
  return settlement === undefined ? lastTry?.error : settlement.error;
}

/** What stands in a row until the message itself is read. */
type Unread = Pick<Envelope, 'created' | 'size'>;

function legColumns(
  { id, sessionId, envelope }: MessageState,
  word: ToWord,
): Pick<
  MessageRow,
  'id' | 'session_id' | 'parent_id' | 'resend_of' | 'source' | 'type' | 'created' | 'size' | 'name'
> {
  const { parentId, resendOf, source, type, created, size, name }: Partial<Envelope> & Unread =
    envelope ?? { created: timeOfId(id), size: 0 };
  return {
    id,
    session_id: sessionId,
    parent_id: parentId ?? null,
    resend_of: resendOf ?? null,
    source: word(source),
    type: word(type),
    created,
    size,
    name: name ?? null,
  };
}

function endColumns({ settlement, lastTry }: MessageState): Pick<MessageRow, 'started' | 'done'> {
  if (settlement === undefined) return { started: lastTry?.at ?? null, done: null };
  return { started: settlement.started ?? null, done: settlement.done ?? null };
}

function replyColumns(
  reply: StoredReply | undefined,
  word: ToWord,
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
    (state.possibleDuplicate === true ? FLAG.possibleDuplicate : 0) |
    (state.settlement?.presumed === true ? FLAG.presumed : 0) |
    (state.envelope === undefined ? 0 : FLAG.hasEnvelope) |
    (error?.retryable === true ? FLAG.retryable : 0)
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
    testBy: envelope?.testBy,
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
  const more: More = row.more === null ? {} : (JSON.parse(row.more) as More);
  const text: ToText = (number) => (number === null ? undefined : words.text(number));
  return {
    id: row.id,
    sessionId: row.session_id,
    host: words.text(row.target),
    envelope: envelopeOf(row, text, more),
    queue: queueOf(row, text),
    body: row.body ?? undefined,
    sameBodyAs: row.same_as ?? undefined,
    attempts: row.attempts,
    ...endOf(row, text, { more, explain }),
    possibleDuplicate: (row.flags & FLAG.possibleDuplicate) === 0 ? undefined : true,
    duplicateOf: more.duplicateOf,
    note: more.note,
  };
}

function queueOf({ stream, sequence }: MessageRow, text: ToText): MessageState['queue'] {
  if (stream === null || sequence === null) return undefined;
  return { stream: text(stream) ?? '', sequence };
}

function endOf(
  row: MessageRow,
  text: ToText,
  { more, explain }: { readonly more: More; readonly explain: Settlement['explain'] },
): Pick<MessageState, 'lastTry' | 'settlement'> {
  const status = statusOfCode(row.status);
  const error = recordedError(row, text);
  const started = row.started ?? undefined;
  if (status === 'queued') return {};
  if (status === 'retrying') {
    return error === undefined ? {} : { lastTry: { at: started ?? 0, error } };
  }
  const settlement: Settlement = {
    status,
    started,
    done: row.done ?? undefined,
    reply: replyOf(row, text),
    explain,
    error,
    warning: more.warning,
    by: more.by,
    presumed: (row.flags & FLAG.presumed) === 0 ? undefined : true,
  };
  return { settlement };
}

function recordedError(row: MessageRow, text: ToText): RecordedError | undefined {
  if (row.error_code === null) return undefined;
  return {
    code: text(row.error_code) ?? '',
    text: row.error ?? '',
    retryable: (row.flags & FLAG.retryable) !== 0,
  };
}

function replyOf(row: MessageRow, text: ToText): StoredReply | undefined {
  if (row.reply_type === null) return undefined;
  return {
    type: text(row.reply_type) ?? '',
    code: text(row.reply_code),
    text: row.reply_text ?? undefined,
    body: row.reply_body ?? undefined,
  };
}

function envelopeOf(row: MessageRow, text: ToText, more: More): Envelope | undefined {
  if ((row.flags & FLAG.hasEnvelope) === 0) return undefined;
  const { received, charset, origin, priority, replyTo, traceparent, testBy } = more;
  return {
    id: row.id,
    sessionId: row.session_id,
    parentId: row.parent_id ?? undefined,
    source: text(row.source) ?? '',
    target: text(row.target) ?? '',
    type: text(row.type) ?? '',
    created: row.created,
    received: received ?? timeOfId(row.session_id),
    size: row.size,
    charset,
    name: row.name ?? undefined,
    origin,
    priority,
    replyTo,
    resendOf: row.resend_of ?? undefined,
    traceparent,
    testBy,
  };
}
