import type { Database } from '../../../database/postgres.ts';
import { idAtTime } from '../../../message/id.ts';
import type { MessageState, Settlement } from '../../message-state.ts';
import type { ScopeId } from '../../scope.ts';
import { fieldNames } from '../../search-fields.ts';
import { type SessionOutcome, sessionOutcomes } from '../../session-outcome.ts';
import type { ScopeMessages, ShownTo } from '../../shown-to.ts';
import type { EventQuery, ReplayQuery, StatisticsQuery } from '../../trace-query.ts';
import type { FailureGroup, FailureQuery, OpenMessage, OpenPage } from '../../trace-store.ts';
import {
  type HostEvent,
  type HostStatistics,
  pastReply,
  SESSION_ATTEMPTS,
  SESSION_MESSAGES,
  SESSION_PART,
  type StoredBody,
  secondPart,
  sinceTaken,
  type TracedMessage,
  type TracedSession,
  tracedMessage,
  tracedSession,
} from '../../traced-message.ts';
import { FAILURES, type FailureRow, failureGroups } from '../failure-groups.ts';
import { SAID } from '../message-columns.ts';
import { type OpenRow, openMessage, PART_COLUMNS, type PartRow, sessionPart } from '../settle.ts';
import {
  type EventRow,
  eventOfRow,
  intervals,
  STATISTIC_SUMS,
  type StatisticRow,
  statisticOfRow,
} from '../statistics.ts';
import { LEVEL_CODE, NOT_COMPLETED, QUEUED, STATUS_CODE } from '../stored-code.ts';
import type { TraceCipher } from '../trace-cipher.ts';
import { readStored } from './body-table.ts';
import {
  readAttempts,
  readPast,
  readScopeStates,
  readSessionStates,
  readStates,
} from './message-table.ts';
import type { WordTable } from './word-table.ts';

/** Finds a message by only its id. */
async function findState(
  db: Database,
  words: WordTable,
  id: number,
): Promise<MessageState | undefined> {
  await words.refresh(db);
  const rows = await db.rows<{ session_id: number }>(
    'SELECT session_id FROM message WHERE id = ? AND session_id <= ?',
    id,
    id,
  );
  const sessionIds = rows.map(({ session_id }) => session_id);
  if (sessionIds.length === 0) return undefined;
  return (await readStates(db, words, { ids: [id], sessionIds })).get(id);
}

export async function message(
  db: Database,
  words: WordTable,
  id: number,
): Promise<TracedMessage | undefined> {
  const state = await findState(db, words, id);
  if (state === undefined) return undefined;
  return sinceTaken(tracedMessage(state), await pastOf(db, state));
}

const pastOf = async (
  db: Database,
  { id, sessionId }: MessageState,
): Promise<readonly Settlement[]> => (await readPast(db, [sessionId])).get(id) ?? [];

export async function session(
  db: Database,
  words: WordTable,
  id: number,
): Promise<TracedSession | undefined> {
  const asked = await findState(db, words, id);
  const sessionId = asked?.sessionId ?? id;
  const limit = SESSION_MESSAGES + 1;
  const first = await readSessionStates(db, words, { sessionId, limit });
  if (first.length === 0) return undefined;
  const from = secondPart(first, asked);
  const shown =
    from === undefined
      ? first.slice(0, SESSION_MESSAGES)
      : [
          ...first.slice(0, SESSION_PART),
          ...(await laterStates(db, words, { sessionId, from, asked })),
        ];
  const past = await readPast(db, [sessionId]);
  return tracedSession(sessionId, shown, {
    attempts: await readAttempts(db, words, { sessionId, limit: SESSION_ATTEMPTS }),
    past: (messageId) => past.get(messageId) ?? [],
    resends: await resendsOf(db, shown),
    truncated: first.length > SESSION_MESSAGES,
  });
}

/** Of a large session, the messages from one on; of the branch of the asked one alone, if others went on in between. */
async function laterStates(
  db: Database,
  words: WordTable,
  {
    sessionId,
    from,
    asked,
  }: {
    readonly sessionId: number;
    readonly from: number;
    readonly asked: MessageState | undefined;
  },
): Promise<MessageState[]> {
  const part = { sessionId, limit: SESSION_PART, from };
  const states = await readSessionStates(db, words, part);
  if (states.some(({ id }) => id === asked?.id)) return states;
  return readSessionStates(db, words, { ...part, branch: asked?.envelope?.branch });
}

/** The states of these sessions. */
export async function outcomes(
  db: Database,
  words: WordTable,
  sessionIds: readonly number[],
): Promise<readonly SessionOutcome[]> {
  await words.refresh(db);
  const rows = await db.rows<PartRow>(
    `SELECT ${PART_COLUMNS} FROM message WHERE session_id = ANY(?)`,
    sessionIds,
  );
  return sessionOutcomes(rows.map((row) => sessionPart(row, words)));
}

/** Only the messages of a scope. */
export async function scopeMessages(
  db: Database,
  words: WordTable,
  {
    scope,
    most = SESSION_MESSAGES,
  }: { readonly scope: ScopeId; readonly most?: number | undefined },
): Promise<ScopeMessages> {
  const states = await readScopeStates(db, words, { scope, limit: most + 1 });
  return { messages: states.slice(0, most).map(tracedMessage), whole: states.length <= most };
}

/** The body of a message or of its reply. */
export async function body(
  db: Database,
  words: WordTable,
  {
    id,
    part,
    cipher,
  }: {
    readonly id: number;
    readonly part: 'message' | 'reply';
    readonly cipher: TraceCipher | undefined;
  },
): Promise<StoredBody | undefined> {
  const state = await findState(db, words, id);
  if (state === undefined) return undefined;
  if (part === 'reply') return replyBody(db, state, cipher);
  const number = state.body ?? (await sharedBody(db, words, state));
  if (number === undefined) return undefined;
  const stored = await readStored(db, state.sessionId, number, cipher);
  if (stored === undefined) return undefined;
  return { ...stored, type: state.envelope?.type ?? '', charset: state.envelope?.charset };
}

async function replyBody(
  db: Database,
  state: MessageState,
  cipher: TraceCipher | undefined,
): Promise<StoredBody | undefined> {
  const { settlement, sessionId } = state;
  const reply = settlement?.reply ?? pastReply(await pastOf(db, state));
  if (reply?.body === undefined) return undefined;
  const stored = await readStored(db, sessionId, reply.body, cipher);
  return stored === undefined ? undefined : { ...stored, type: reply.type };
}

/** Only one step: a message that shares a body names the one that has it. */
async function sharedBody(
  db: Database,
  words: WordTable,
  { sameBodyAs, sessionId }: MessageState,
): Promise<number | undefined> {
  if (sameBodyAs === undefined) return undefined;
  const states = await readStates(db, words, { ids: [sameBodyAs], sessionIds: [sessionId] });
  return states.get(sameBodyAs)?.body;
}

function resendsOf(
  db: Database,
  states: readonly MessageState[],
): Promise<{ id: number; of: number; sessionId: number }[]> {
  return db.rows<{ id: number; of: number; sessionId: number }>(
    `SELECT id, resend_of AS of, session_id AS "sessionId" FROM message
       WHERE resend_of IS NOT NULL AND resend_of = ANY(?) ORDER BY id`,
    states.map(({ id }) => id),
  );
}

/** Messages of one host in the order they were made. */
export async function replayList(
  db: Database,
  words: WordTable,
  { host, from, to, status, after = 0, limit = 1_000 }: ReplayQuery,
): Promise<{ ids: number[]; more: boolean }> {
  await words.refresh(db);
  const word = words.find(host);
  if (word === undefined) return { ids: [], more: false };
  const rows = await db.rows<{ id: number }>(
    `SELECT id FROM message WHERE target = ? AND id BETWEEN ? AND ?
       ${status === undefined ? '' : 'AND status = ANY(?)'} ORDER BY id LIMIT ?`,
    word,
    Math.max(idAtTime(from), after + 1),
    idAtTime(to + 1) - 1,
    ...(status === undefined ? [] : [status.map((one) => STATUS_CODE[one])]),
    limit + 1,
  );
  const ids = rows.map(({ id }) => id);
  return { ids: ids.slice(0, limit), more: ids.length > limit };
}

/** Errors and suspensions by host and code. */
export async function failures(
  db: Database,
  words: WordTable,
  query: FailureQuery,
  shown?: ShownTo,
): Promise<FailureGroup[]> {
  await words.refresh(db);
  const source = query.visible === undefined ? 'NULL::integer' : 'source';
  const rows = await db.rows<FailureRow>(
    `SELECT target, ${source} AS source, status, error_code, count(*) AS n, min(created) AS first, max(created) AS last,
       max(id) AS newest, (array_agg(error ORDER BY id DESC))[1] AS error,
       (array_agg(${SAID} ORDER BY id DESC))[1] AS said
     FROM message WHERE ${NOT_COMPLETED} AND status = ANY(?) AND id BETWEEN ? AND ?
     GROUP BY target${query.visible === undefined ? '' : ', source'}, status, error_code${query.byCause === true ? `, error, ${SAID}` : ''}`,
    (query.status ?? FAILURES).map((one) => STATUS_CODE[one]),
    query.from === undefined ? 0 : idAtTime(query.from),
    query.to === undefined ? Number.MAX_SAFE_INTEGER : idAtTime(query.to + 1) - 1,
  );
  const groups = failureGroups(query, shown);
  for (const row of rows) groups.add(row, words);
  return groups.list();
}

/** Oldest first. */
export async function openMessages(
  db: Database,
  words: WordTable,
  { host, after = 0, limit = 1_000 }: OpenPage & { readonly host: string },
): Promise<OpenMessage[]> {
  await words.refresh(db);
  const word = words.find(host);
  if (word === undefined) return [];
  const rows = await db.rows<OpenRow>(
    `SELECT id, session_id, status, created, stream, sequence FROM message
       WHERE ${NOT_COMPLETED} AND ${QUEUED} AND id > ? AND target = ? ORDER BY id LIMIT ?`,
    after,
    word,
    limit,
  );
  return rows.map((row) => openMessage(row, words));
}

export async function statistics(
  db: Database,
  words: WordTable,
  { from, to, step, hosts }: StatisticsQuery,
): Promise<HostStatistics[]> {
  await words.refresh(db);
  const rows = await db.rows<StatisticRow>(
    `SELECT min(minute) AS minute, host, ${STATISTIC_SUMS}
     FROM statistic WHERE minute BETWEEN ? AND ? ${hosts === undefined ? '' : 'AND host = ANY(?)'}
     GROUP BY minute / ?::bigint, host`,
    Math.floor(from / 60_000),
    Math.floor(to / 60_000),
    ...(hosts === undefined ? [] : [hosts.flatMap((host) => words.find(host) ?? [])]),
    Math.max(1, Math.floor(step / 60_000)),
  );
  const sums = intervals(step);
  for (const row of rows) sums.add(statisticOfRow(row, words));
  return sums.list();
}

export async function events(
  db: Database,
  words: WordTable,
  { hosts, from = 0, to = Number.MAX_SAFE_INTEGER, level = 'info', limit = 100 }: EventQuery,
): Promise<HostEvent[]> {
  await words.refresh(db);
  const rows = await db.rows<EventRow>(
    `SELECT host, at, event, level, text, by FROM event WHERE at BETWEEN ? AND ? AND level >= ?
       ${hosts === undefined ? '' : 'AND host = ANY(?)'} ORDER BY at DESC LIMIT ?`,
    from,
    to,
    LEVEL_CODE[level],
    ...(hosts === undefined ? [] : [hosts.flatMap((host) => words.find(host) ?? [])]),
    limit,
  );
  return rows.map((row) => eventOfRow(row, words));
}

/** Names of search fields, and of those that messages to come are indexed by. */
export async function fields(db: Database): Promise<string[]> {
  const rows = await db.rows<{ text: string }>('SELECT text FROM key_name JOIN word ON id = word');
  const [noted] = await db.rows<{ value: string }>(`SELECT value FROM note WHERE name = 'fields'`);
  return fieldNames(
    rows.map(({ text }) => text),
    noted?.value,
  );
}
