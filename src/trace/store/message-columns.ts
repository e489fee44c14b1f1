import { timeOfId } from '../../message/id.ts';
import type { Envelope } from '../../message/message.ts';
import type { RecordedError } from '../../message/record.ts';
import {
  type MessageState,
  type Settlement,
  type StoredReply,
  statusOf,
} from '../message-state.ts';
import type { QueuePlace } from '../trace-input.ts';
import { FLAG, STATUS_CODE, statusOfCode } from './stored-code.ts';

/**
 * The message table: its columns, and the part of a message's state in each. The schemas of both
 * stores, their statements, and the conversion between state and row all follow from these two
 * tables. A new column is one line with `since`: the next schema version. Both stores then add it
 * when they are opened, and older rows have NULL there. What only few messages have needs no
 * column: it goes into the JSON of `more`.
 */

/** The parts of a state, by their names in `from`. */
interface Origins {
  readonly state: MessageState;
  readonly envelope: Envelope;
  readonly queue: QueuePlace;
  /** The settlement, or the last try while there is none. */
  readonly ending: Settlement;
  readonly reply: StoredReply;
  readonly error: RecordedError;
  /** Written by hand, see `derived`. */
  readonly derived: Derived;
}

interface Derived {
  readonly status: number;
  readonly flags: number;
  /** The number of its row in the table of explanations. */
  readonly explain: number | undefined;
  readonly more: string | undefined;
}

type Source = {
  [Part in keyof Origins]: `${Part}.${keyof Origins[Part] & string}`;
}[keyof Origins];

/** How a value is stored. `word` is a repeating text: a number in the word table. */
const TYPES = {
  key: { sqlite: 'INTEGER PRIMARY KEY', postgres: 'bigint' },
  big: { sqlite: 'INTEGER', postgres: 'bigint' },
  int: { sqlite: 'INTEGER', postgres: 'int' },
  code: { sqlite: 'INTEGER', postgres: 'smallint' },
  word: { sqlite: 'INTEGER', postgres: 'int' },
  text: { sqlite: 'TEXT', postgres: 'text' },
} as const;

type Dialect = keyof (typeof TYPES)['key'];

interface Column {
  readonly type: keyof typeof TYPES;
  readonly from: Source;
  /** Never NULL; only possible for a column that has existed from the beginning. */
  readonly required?: true;
  /** The schema version that added it. */
  readonly since: number;
}

/** In the order of the table. Released columns are never changed. */
const COLUMNS = {
  id: { type: 'key', from: 'state.id', since: 1 },
  session_id: { type: 'big', from: 'state.sessionId', required: true, since: 1 },
  parent_id: { type: 'big', from: 'envelope.parentId', since: 1 },
  resend_of: { type: 'big', from: 'envelope.resendOf', since: 1 },
  source: { type: 'word', from: 'envelope.source', since: 1 },
  target: { type: 'word', from: 'state.host', required: true, since: 1 },
  type: { type: 'word', from: 'envelope.type', since: 1 },
  status: { type: 'code', from: 'derived.status', required: true, since: 1 },
  attempts: { type: 'int', from: 'state.attempts', required: true, since: 1 },
  created: { type: 'big', from: 'envelope.created', required: true, since: 1 },
  started: { type: 'big', from: 'ending.started', since: 1 },
  done: { type: 'big', from: 'ending.done', since: 1 },
  size: { type: 'big', from: 'envelope.size', required: true, since: 1 },
  body: { type: 'int', from: 'state.body', since: 1 },
  same_as: { type: 'big', from: 'state.sameBodyAs', since: 1 },
  stream: { type: 'word', from: 'queue.stream', since: 1 },
  sequence: { type: 'big', from: 'queue.sequence', since: 1 },
  error_code: { type: 'word', from: 'error.code', since: 1 },
  error: { type: 'text', from: 'error.text', since: 1 },
  reply_type: { type: 'word', from: 'reply.type', since: 1 },
  reply_code: { type: 'word', from: 'reply.code', since: 1 },
  reply_text: { type: 'text', from: 'reply.text', since: 1 },
  reply_body: { type: 'int', from: 'reply.body', since: 1 },
  explain: { type: 'big', from: 'derived.explain', since: 1 },
  flags: { type: 'code', from: 'derived.flags', required: true, since: 1 },
  name: { type: 'text', from: 'envelope.name', since: 1 },
  more: { type: 'text', from: 'derived.more', since: 1 },
  said: { type: 'text', from: 'error.said', since: 2 },
  branch: { type: 'big', from: 'envelope.branch', since: 5 },
} as const satisfies Readonly<Record<string, Column>>;

type Columns = typeof COLUMNS;

/** Set by hand in `stateOfRow`: derived from other columns, a bit of `flags`, or in its own table. */
type ByHand =
  | `state.${'envelope' | 'queue' | 'lastTry' | 'settlement' | 'possibleDuplicate'}`
  | `envelope.${'id' | 'sessionId' | 'target' | 'possibleDuplicate'}`
  | `ending.${'status' | 'reply' | 'error' | 'explain' | 'presumed'}`
  | 'error.retryable';

/** Counts while a message is under way, and from the beginning once a person sends it. */
type NotKept = 'envelope.hops';

/**
 * What only few messages have, with its name in the JSON of `more`. A part of a state that is
 * neither here, nor a column, nor set by hand is a compile error, since it would be lost.
 */
const MORE: Readonly<
  Record<Exclude<Source, Columns[keyof Columns]['from'] | ByHand | NotKept>, string>
> = {
  'envelope.received': 'received',
  'envelope.charset': 'charset',
  'envelope.origin': 'origin',
  'envelope.caller': 'caller',
  'envelope.part': 'part',
  'envelope.parts': 'parts',
  'envelope.joins': 'joins',
  'envelope.priority': 'priority',
  'envelope.replyTo': 'replyTo',
  'envelope.traceparent': 'traceparent',
  'envelope.testBy': 'testBy',
  'state.duplicateOf': 'duplicateOf',
  'state.note': 'note',
  'ending.warning': 'warning',
  'ending.receivedBy': 'receivedBy',
  'ending.receivedIds': 'receivedIds',
  'ending.states': 'states',
  'ending.by': 'by',
};

/** One message as a row: the same columns in every store. */
export type MessageRow = {
  readonly [Name in keyof Columns]:
    | (Columns[Name]['type'] extends 'text' ? string : number)
    | (Columns[Name] extends { required: true } | { type: 'key' } ? never : null);
};

interface Place {
  readonly name: string;
  readonly part: keyof Origins;
  readonly field: string;
  readonly isWord: boolean;
}

function placeOf(name: string, from: string, isWord: boolean): Place {
  const [part, field = ''] = from.split('.');
  return { name, part: part as keyof Origins, field, isWord };
}

const LIST: readonly (Column & { readonly name: string })[] = Object.entries(COLUMNS).map(
  ([name, column]) => ({ name, ...column }),
);
const PLACES = LIST.map(({ name, from, type }) => placeOf(name, from, type === 'word'));
const PLACES_IN_MORE = Object.entries(MORE).map(([from, name]) => placeOf(name, from, false));

/** The peer's text about a message: with its error, or in its reply. */
export const SAID = 'COALESCE(said, reply_text)';

/** The names of the columns, in the order of the table and of the values of `rowOfState`. */
export const MESSAGE_COLUMNS = LIST.map(({ name }) => name);

/** Their types in PostgreSQL, in the same order. */
export const POSTGRES_TYPES = LIST.map(({ type }) => TYPES[type].postgres);

/** What an upsert sets in an existing row, except its key. */
export function overwritten(...key: string[]): string {
  return MESSAGE_COLUMNS.filter((name) => !key.includes(name))
    .map((name) => `${name}=excluded.${name}`)
    .join(', ');
}

/** The column definitions of the first version of the message table. */
export function declaredColumns(dialect: Dialect): string {
  return LIST.filter(({ since }) => since === 1)
    .map((column) => declared(column, dialect))
    .join(', ');
}

/** The migrations from each version of a store to the next: its own ones, and the added columns. */
export function withAddedColumns(steps: readonly string[], dialect: Dialect): readonly string[] {
  const newest = Math.max(steps.length, ...LIST.map(({ since }) => since));
  return Array.from({ length: newest }, (_, at) => {
    const added = LIST.filter(({ since }) => since > 1 && since === at + 1).map(
      (column) => `ALTER TABLE message ADD COLUMN ${declared(column, dialect)};\n`,
    );
    return `${steps[at] ?? ''}${added.join('')}`;
  });
}

function declared(
  { name, type, required }: Column & { readonly name: string },
  dialect: Dialect,
): string {
  return `${name} ${TYPES[type][dialect]}${required === true ? ' NOT NULL' : ''}`;
}

/** Numbers for repeating texts: hosts, types, streams, codes, names of search fields. */
export interface Words {
  number(text: string): number;
  text(number: number): string;
}

type Value = number | string | null;
/** The fields of a part by name; they are stored as numbers and texts. */
type Fields<Part = unknown> = Record<string, number | string | undefined> & Part;
/** What `more` holds may also be a list. */
type MoreFields = Record<string, number | string | readonly (number | string)[] | undefined>;

/** The values of a row, in the order of `MESSAGE_COLUMNS`. */
export function rowOfState(
  state: MessageState,
  words: Pick<Words, 'number'>,
  explain: number | null,
): Value[] {
  const { id, envelope = { created: timeOfId(id), size: 0 }, queue, lastTry } = state;
  const ending = state.settlement ?? { started: lastTry?.at, error: lastTry?.error };
  const { error } = ending;
  const reply = state.settlement?.reply;
  const parts: Record<string, unknown> = { state, envelope, queue, ending, reply, error };
  parts['derived'] = {
    status: STATUS_CODE[statusOf(state)],
    flags: flagsOf(state, error),
    explain: explain ?? undefined,
    more: moreOf(parts, state.sessionId),
  } satisfies Derived;
  return PLACES.map(({ part, field, isWord }) => {
    const value = (parts[part] as Fields | undefined)?.[field];
    if (value === undefined) return null;
    return isWord ? words.number(value as string) : value;
  });
}

function flagsOf(state: MessageState, error: RecordedError | undefined): number {
  return (
    (state.possibleDuplicate === true ? FLAG.possibleDuplicate : 0) |
    (state.settlement?.presumed === true ? FLAG.presumed : 0) |
    (state.envelope === undefined ? 0 : FLAG.hasEnvelope) |
    (error?.retryable === true ? FLAG.retryable : 0)
  );
}

function moreOf(parts: Record<string, unknown>, sessionId: number): string | undefined {
  const more: MoreFields = {};
  for (const { name, part, field } of PLACES_IN_MORE) {
    const value = (parts[part] as MoreFields | undefined)?.[field];
    // the start of the session can nearly always be read from its id
    if (field === 'received' && value === timeOfId(sessionId)) continue;
    if (value !== undefined) more[name] = value;
  }
  const json = JSON.stringify(more);
  return json === '{}' ? undefined : json;
}

export function stateOfRow(
  row: MessageRow,
  words: Pick<Words, 'text'>,
  explain?: Settlement['explain'],
): MessageState {
  const { state, envelope, queue, ending, reply, error } = partsOf(row, words);
  const { id, session_id: sessionId, flags } = row;
  const is = (flag: number): true | undefined => ((flags & flag) === 0 ? undefined : true);
  const said = state as Pick<MessageState, 'host' | 'attempts'> & Partial<MessageState>;
  return {
    ...said,
    id,
    sessionId,
    envelope:
      is(FLAG.hasEnvelope) &&
      ({
        source: '',
        type: '',
        received: timeOfId(sessionId),
        ...envelope,
        id,
        sessionId,
        target: said.host,
      } as Envelope),
    queue: row.stream === null || row.sequence === null ? undefined : (queue as Fields<QueuePlace>),
    possibleDuplicate: is(FLAG.possibleDuplicate),
    ...endOf(row, ending, {
      reply: row.reply_type === null ? undefined : (reply as Fields<StoredReply>),
      error:
        row.error_code === null
          ? undefined
          : ({ text: '', ...error, retryable: is(FLAG.retryable) === true } as RecordedError),
      explain,
      presumed: is(FLAG.presumed),
    }),
  };
}

function endOf(
  row: MessageRow,
  ending: Partial<Settlement>,
  rest: Pick<Settlement, 'reply' | 'error' | 'explain' | 'presumed'>,
): Pick<MessageState, 'lastTry' | 'settlement'> {
  const status = statusOfCode(row.status);
  if (status === 'queued') return {};
  if (status !== 'retrying') return { settlement: { ...ending, ...rest, status } };
  const { error } = rest;
  return error === undefined ? {} : { lastTry: { at: ending.started ?? 0, error } };
}

function partsOf(row: MessageRow, words: Pick<Words, 'text'>): Record<keyof Origins, Fields> {
  const parts: Record<keyof Origins, Fields> = {
    state: {},
    envelope: {},
    queue: {},
    ending: {},
    reply: {},
    error: {},
    derived: {},
  };
  for (const { name, part, field, isWord } of PLACES) {
    const value = (row as Record<string, Value>)[name] ?? undefined;
    if (value !== undefined) parts[part][field] = isWord ? words.text(Number(value)) : value;
  }
  if (row.more === null) return parts;
  const more = JSON.parse(row.more) as Fields;
  for (const { name, part, field } of PLACES_IN_MORE) {
    if (more[name] !== undefined) parts[part][field] = more[name];
  }
  return parts;
}
