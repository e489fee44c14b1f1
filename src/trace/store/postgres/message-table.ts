import type { PostgresSession, SqlValue } from '../../../database/postgres.ts';
import type { AttemptRecord } from '../../../message/record.ts';
import type { PastChange } from '../../batch.ts';
import type { MessageState, Settlement } from '../../message-state.ts';
import type { ScopeId } from '../../scope.ts';
import type { TracedAttempt } from '../../traced-message.ts';
import { SCOPE_MESSAGES } from '../conditions.ts';
import {
  MESSAGE_COLUMNS,
  type MessageRow,
  overwritten,
  POSTGRES_TYPES,
  rowOfState,
  stateOfRow,
  type Words,
} from '../message-columns.ts';
import { STATUS_CODE, statusOfCode } from '../stored-code.ts';
import { type ExplanationTable, readExplanations } from './explanation-table.ts';

const COLUMNS = MESSAGE_COLUMNS.join(', ');

const UPSERT = `INSERT INTO message(${COLUMNS})
  SELECT * FROM unnest(${POSTGRES_TYPES.map((type) => `?::${type}[]`).join(', ')})
  ON CONFLICT(session_id, id) DO UPDATE SET ${overwritten('id', 'session_id')}`;

/** The states of messages by id; their sessions limit the partitions that the database has to search. */
export async function readStates(
  session: PostgresSession,
  words: Words,
  { ids, sessionIds }: { readonly ids: readonly number[]; readonly sessionIds: readonly number[] },
): Promise<Map<number, MessageState>> {
  const rows = await session.rows<MessageRow>(
    `SELECT ${COLUMNS} FROM message WHERE session_id = ANY(?) AND id = ANY(?)`,
    sessionIds,
    ids,
  );
  const states = await withExplanations(session, words, rows);
  return new Map(states.map((state) => [state.id, state]));
}

/** In the order they were made; those of one branch, if it is given. */
export async function readSessionStates(
  session: PostgresSession,
  words: Words,
  {
    sessionId,
    limit,
    from = 0,
    branch,
  }: {
    readonly sessionId: number;
    readonly limit: number;
    readonly from?: number;
    readonly branch?: number | undefined;
  },
): Promise<MessageState[]> {
  const rows = await session.rows<MessageRow>(
    `SELECT ${COLUMNS} FROM message
       WHERE session_id = ? AND id >= ?${branch === undefined ? '' : ' AND branch = ?'} ORDER BY id LIMIT ?`,
    sessionId,
    from,
    ...(branch === undefined ? [] : [branch]),
    limit,
  );
  return withExplanations(session, words, rows);
}

/** Of a branch, or of a session without its branches; in the order they were made, without explanations. */
export async function readScopeStates(
  session: PostgresSession,
  words: Words,
  { scope, limit }: { readonly scope: ScopeId; readonly limit: number },
): Promise<MessageState[]> {
  const messages = Object.values(SCOPE_MESSAGES).map(
    (its) => `SELECT * FROM message m WHERE ${its}`,
  );
  const rows = await session.rows<MessageRow>(
    `SELECT ${MESSAGE_COLUMNS.map((name) => `m.${name}`).join(', ')}
       FROM (SELECT ?::bigint AS session_id) k CROSS JOIN LATERAL (${messages.join(' UNION ALL ')} OFFSET 0) m
       ORDER BY m.id LIMIT ?`,
    scope,
    limit,
  );
  return rows.map((row) => stateOfRow(row, words));
}

async function withExplanations(
  session: PostgresSession,
  words: Words,
  rows: readonly MessageRow[],
): Promise<MessageState[]> {
  const states: MessageState[] = [];
  for (const [sessionId, part] of Map.groupBy(rows, (row) => row.session_id)) {
    const numbers = part.flatMap(({ explain }) => explain ?? []);
    const explanations = await readExplanations(session, sessionId, numbers);
    for (const row of part) {
      const explain = row.explain === null ? undefined : explanations.get(row.explain);
      states.push(stateOfRow(row, words, explain));
    }
  }
  return states;
}

/** Only within a transaction, with all words added. */
export async function writeStates(
  session: PostgresSession,
  states: readonly MessageState[],
  { words, explanations }: { readonly words: Words; readonly explanations: ExplanationTable },
): Promise<void> {
  if (states.length === 0) return;
  const rows = states.map((state) => {
    const explanation = state.settlement?.explain;
    const explain =
      explanation === undefined ? null : explanations.number(state.sessionId, explanation);
    return rowOfState(state, words, explain);
  });
  await explanations.flush(session);
  await session.run(UPSERT, ...MESSAGE_COLUMNS.map((_, at) => rows.map((row) => row[at] ?? null)));
}

/** Every text of some states that has a number. */
export function wordsOfStates(states: readonly MessageState[]): Set<string> {
  const texts = new Set<string>();
  const gather: Words = {
    number(text) {
      texts.add(text);
      return 0;
    },
    text: () => '',
  };
  for (const state of states) rowOfState(state, gather, null);
  return texts;
}

export async function writeAttempts(
  session: PostgresSession,
  attempts: readonly AttemptRecord[],
  words: Words,
): Promise<void> {
  if (attempts.length === 0) return;
  const column = (value: (attempt: AttemptRecord) => SqlValue): SqlValue[] => attempts.map(value);
  await session.run(
    `INSERT INTO attempt(session_id, message_id, attempt, at, next, code, text, retryable, said)
     SELECT * FROM unnest(?::bigint[], ?::bigint[], ?::int[], ?::bigint[], ?::bigint[], ?::int[], ?::text[], ?::boolean[], ?::text[])
     ON CONFLICT DO NOTHING`,
    column(({ sessionId }) => sessionId),
    column(({ id }) => id),
    column(({ attempt }) => attempt),
    column(({ at }) => at),
    column(({ next }) => next),
    column(({ error }) => words.number(error.code)),
    column(({ error }) => error.text),
    column(({ error }) => error.retryable),
    column(({ error }) => error.said ?? null),
  );
}

/** The latest tries of each message, in order. */
export async function readAttempts(
  session: PostgresSession,
  words: Words,
  { sessionId, limit }: { readonly sessionId: number; readonly limit: number },
): Promise<TracedAttempt[]> {
  const rows = await session.rows<{
    message_id: number;
    attempt: number;
    at: number;
    next: number;
    code: number;
    text: string;
    retryable: boolean;
    said: string | null;
  }>(
    `SELECT message_id, attempt, at, next, code, text, retryable, said FROM (
       SELECT *, row_number() OVER (PARTITION BY message_id ORDER BY attempt DESC, at DESC) AS place
       FROM attempt WHERE session_id = ?) ranked
     WHERE place <= ? ORDER BY message_id, attempt, at`,
    sessionId,
    limit,
  );
  return rows.map(({ message_id, code, text, retryable, said, ...rest }) => ({
    messageId: message_id,
    ...rest,
    error: { code: words.text(code), text, retryable, said: said ?? undefined },
  }));
}

export async function writePast(
  session: PostgresSession,
  rows: readonly PastChange[],
): Promise<void> {
  if (rows.length === 0) return;
  const column = (value: (row: PastChange) => SqlValue): SqlValue[] => rows.map(value);
  await session.run(
    `INSERT INTO past(session_id, message_id, done, status, body, json)
     SELECT * FROM unnest(?::bigint[], ?::bigint[], ?::bigint[], ?::smallint[], ?::int[], ?::text[])
     ON CONFLICT DO NOTHING`,
    column(({ sessionId }) => sessionId),
    column(({ id }) => id),
    column(({ settlement }) => settlement.done ?? 0),
    column(({ settlement }) => STATUS_CODE[settlement.status]),
    column(({ settlement }) => settlement.reply?.body ?? null),
    column(({ settlement: { status: _, done: __, ...rest } }) => JSON.stringify(rest)),
  );
}

export async function readPast(
  session: PostgresSession,
  sessionIds: readonly number[],
): Promise<Map<number, Settlement[]>> {
  const rows = await session.rows<{
    message_id: number;
    done: number;
    status: number;
    json: string;
  }>(
    'SELECT message_id, done, status, json FROM past WHERE session_id = ANY(?) ORDER BY message_id, done',
    sessionIds,
  );
  return new Map(
    [...Map.groupBy(rows, (row) => row.message_id)].map(([id, part]) => [
      id,
      part.map(({ done, status, json }) => ({
        ...(JSON.parse(json) as Omit<Settlement, 'done' | 'status'>),
        done,
        status: statusOfCode(status) as Settlement['status'],
      })),
    ]),
  );
}
