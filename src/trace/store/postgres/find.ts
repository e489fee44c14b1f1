import type { Database } from '../../../database/postgres.ts';
import { idAtTime } from '../../../message/id.ts';
import { findAnyOf } from '../../any-of.ts';
import { type KeyMatch, keyMatches } from '../../key-value.ts';
import type { QuickFindStore } from '../../quick-find.ts';
import { type LargeBody, type SearchedStore, type SearchPart, search } from '../../search.ts';
import type { ScopeReader, ShownTo } from '../../shown-to.ts';
import type { TracePage, TraceQuery } from '../../trace-query.ts';
import type { FindOptions } from '../../trace-store.ts';
import type { TracedMessage } from '../../traced-message.ts';
import { tracedMessage } from '../../traced-message.ts';
import {
  branchesWithout,
  type Condition,
  isOneOf,
  keyConditions,
  newestFirst,
  SCOPE_MESSAGES,
  searchPlan,
  withinScopes,
} from '../conditions.ts';
import { MESSAGE_COLUMNS, type MessageRow, stateOfRow } from '../message-columns.ts';
import { ownKeyReader } from '../own-keys.ts';
import { keyForms, refusePrefixes, type TraceCipher } from '../trace-cipher.ts';
import { body, message as readMessage, scopeMessages } from './read.ts';
import { note } from './upkeep.ts';
import type { WordTable } from './word-table.ts';

const COLUMNS = MESSAGE_COLUMNS.map((name) => `m.${name}`).join(', ');

interface Searched {
  readonly db: Database;
  readonly words: WordTable;
  readonly cipher: TraceCipher | undefined;
  readonly largeBody: LargeBody;
}

/** Searches all days, newest first. */
export function find(
  searched: Searched,
  query: TraceQuery,
  options: FindOptions = {},
): Promise<TracePage> {
  const given = { ...options, store: quickFindDays(searched) };
  return findAnyOf(query, given, (one) => findIn(searched, one, options));
}

async function findIn(
  searched: Searched,
  query: TraceQuery,
  options: FindOptions,
): Promise<TracePage> {
  const { db, words, cipher, largeBody } = searched;
  await words.refresh(db);
  const keys = keyMatches(query.search);
  refusePrefixes(keys, cipher);
  const { shown } = options;
  const statements = (span: SearchPart, limit: number): Condition[] =>
    candidateStatements(words, query, { keys, span, limit, shown, cipher });
  const store: SearchedStore = {
    ...scopeReader(searched),
    bottom: (order, from) => bottom(db, order, from),
    top: () => top(db),
    async candidates(span, limit) {
      const found = new Map<number, TracedMessage>();
      for (const { sql, values } of statements(span, limit)) {
        for (const row of await db.rows<MessageRow>(sql, ...values)) {
          found.set(row.id, tracedMessage(stateOfRow(row, words)));
        }
      }
      return [...found.values()].toSorted(newestFirst(span)).slice(0, limit);
    },
    largeBody,
  };
  return search(query, store, options);
}

function scopeReader({ db, words, cipher, largeBody }: Searched): ScopeReader {
  return {
    message: (id) => readMessage(db, words, id),
    messages: (scope, most) => scopeMessages(db, words, { scope, most }),
    body: (id) => body(db, words, { id, part: 'message', cipher }),
    ownKeys: ownKeyReader(() => note(db, 'fields'), largeBody),
    async branchesWithout(keys, sessions) {
      const { sql, values } = branchesWithout(keys, words, {
        messages: 'WHERE session_id = s.session_id AND id >= s.first',
        cipher,
      });
      const rows = await db.rows<{ session_id: number; parent_id: number }>(
        `SELECT s.session_id, b.parent_id FROM unnest(?::bigint[], ?::bigint[]) AS s(session_id, first)
           CROSS JOIN LATERAL (${sql}) b`,
        [...sessions.keys()],
        [...sessions.values()],
        ...values,
      );
      return rows.map((row) => ({ sessionId: row.session_id, parentId: row.parent_id }));
    },
  };
}

interface Candidates {
  readonly keys: readonly KeyMatch[];
  readonly span: SearchPart;
  readonly limit: number;
  readonly shown: ShownTo | undefined;
  readonly cipher: TraceCipher | undefined;
}

/** The statements that answer a query; none if nothing can match. */
function candidateStatements(
  words: WordTable,
  query: TraceQuery,
  { keys, span, limit, shown, cipher }: Candidates,
): Condition[] {
  const plan = searchPlan(query, words, shown);
  const { branches, rest } = plan;
  if (branches.length === 0) return [];
  if (span.order === 'scope') {
    const scopes = scopeStatement(words, { keys, span, cipher });
    if (scopes === undefined) return [];
    return [scopeFirst(scopes, withinScopes(query, plan, span), limit)];
  }
  // a session is not newer than its messages, so newer days need not be searched
  const between = {
    sql: 'm.id BETWEEN ? AND ? AND m.session_id <= ?',
    values: [span.low, span.high, span.high],
  };
  return branches.map(({ sql, values }) =>
    statement([...(sql === '' ? [] : [{ sql, values }]), between, ...rest], 'm.id DESC', limit),
  );
}

function statement(conditions: readonly Condition[], order: string, limit: number): Condition {
  return {
    sql: `SELECT ${COLUMNS} FROM message m WHERE ${conditions.map(({ sql }) => sql).join(' AND ')} ORDER BY ${order} LIMIT ?`,
    values: [...conditions.flatMap(({ values }) => values), limit],
  };
}

/**
 * Finds the scopes first and then the messages of each. By itself the planner walked through all
 * messages in order, waiting for one of the sessions (187,058 rows for 50).
 */
function scopeFirst(scopes: Condition, conditions: readonly Condition[], limit: number): Condition {
  const where = conditions.map(({ sql }) => ` AND ${sql}`).join('');
  const values = conditions.flatMap((one) => one.values);
  const messages = Object.values(SCOPE_MESSAGES).map(
    (its) => `SELECT * FROM message m WHERE ${its}${where}`,
  );
  return {
    sql: `WITH k AS MATERIALIZED (${scopes.sql})
      SELECT ${COLUMNS} FROM k CROSS JOIN LATERAL (${messages.join(' UNION ALL ')} OFFSET 0) m
      ORDER BY k.session_id DESC, m.id DESC LIMIT ?`,
    values: [...scopes.values, ...messages.flatMap(() => values), limit],
  };
}

/** The scopes that have all keys. */
function scopeStatement(
  words: WordTable,
  { keys, span, cipher }: Pick<Candidates, 'keys' | 'span' | 'cipher'>,
): Condition | undefined {
  const conditions = keyConditions(keys, words, { span, cipher });
  if (conditions === undefined) return undefined;
  const sources = conditions.map(({ sql }) => `SELECT session_id FROM skey WHERE ${sql}`);
  return {
    sql: `${sources.join(' INTERSECT ')}${sources.length === 1 ? ' GROUP BY session_id' : ''}`,
    values: conditions.flatMap(({ values }) => values),
  };
}

async function top(db: Database): Promise<number> {
  const [row] = await db.rows<{ newest: number | null }>(
    'SELECT id AS newest FROM message ORDER BY id DESC LIMIT ?',
    1,
  );
  return row?.newest ?? 0;
}

/** For scopes the very oldest: one with a message since `from` may have begun long before. */
async function bottom(
  db: Database,
  order: SearchPart['order'],
  from: number | undefined,
): Promise<number> {
  const [row] = await db.rows<{ lowest: number | null }>(
    'SELECT session_id AS lowest FROM message ORDER BY session_id LIMIT ?',
    1,
  );
  const lowest = row?.lowest ?? Number.MAX_SAFE_INTEGER;
  return order === 'id' && from !== undefined ? Math.max(lowest, idAtTime(from)) : lowest;
}

/** Access to the database for finding a pasted text. */
export function quickFindDays(searched: Searched): QuickFindStore {
  const { db, words, cipher } = searched;
  return {
    ...scopeReader(searched),
    async *scopesWith(value, most) {
      await words.refresh(db);
      const forms = keyForms(value, cipher);
      const rows = await db.rows<{ name: number; session_id: number }>(
        `SELECT name, session_id FROM skey WHERE name = ANY(ARRAY(SELECT word FROM key_name)) AND ${isOneOf(forms)}
           ORDER BY session_id DESC LIMIT ?`,
        ...forms,
        most,
      );
      for (const { name, session_id: scope } of rows) yield { field: words.text(name), scope };
    },
  };
}
