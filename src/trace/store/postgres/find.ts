import type { Database } from '../../../database/postgres.ts';
import { idAtTime } from '../../../message/id.ts';
import { afterPrefix, type KeyMatch, keyMatches } from '../../key-value.ts';
import { type SearchGround, type Span, search } from '../../search.ts';
import type { ShownTo } from '../../shown-to.ts';
import type { TracePage, TraceQuery } from '../../trace-query.ts';
import type { FindOptions } from '../../trace-store.ts';
import type { TracedMessage } from '../../traced-message.ts';
import { tracedMessage } from '../../traced-message.ts';
import { anyOf, type Condition, searchPlan } from '../conditions.ts';
import { MESSAGE_COLUMNS, type MessageRow, stateOfRow } from '../message-columns.ts';
import { isOneOf, keyForms, refusePrefixes, type TraceCipher } from '../trace-cipher.ts';
import { body, sessionMessages } from './read.ts';
import type { WordTable } from './word-table.ts';

const COLUMNS = MESSAGE_COLUMNS.map((name) => `m.${name}`).join(', ');

export interface FindContext {
  readonly db: Database;
  readonly words: WordTable;
  readonly cipher: TraceCipher | undefined;
  /** The bytes of a body, wherever they lie. */
  readonly bytes: (message: TracedMessage) => Promise<Uint8Array | undefined>;
}

/** Searches all days, newest first. */
export async function find(
  { db, words, cipher, bytes }: FindContext,
  query: TraceQuery,
  options: FindOptions = {},
): Promise<TracePage> {
  await words.refresh(db);
  const keys = keyMatches(query.search);
  refusePrefixes(keys, cipher);
  const { shown } = options;
  const statements = (span: Span, limit: number): Condition[] =>
    candidateStatements(words, query, { keys, span, limit, shown, cipher });
  const ground: SearchGround = {
    bottom: (order, from) => bottom(db, order, from),
    top: () => top(db),
    async candidates(span, limit) {
      const found = new Map<number, TracedMessage>();
      for (const { sql, values } of statements(span, limit)) {
        for (const row of await db.rows<MessageRow>(sql, ...values)) {
          found.set(row.id, tracedMessage(stateOfRow(row, words)));
        }
      }
      return [...found.values()].toSorted(span.order === 'id' ? byId : bySession).slice(0, limit);
    },
    messages: (sessionId) => sessionMessages(db, words, sessionId),
    body: (id) => body(db, words, { id, part: 'message', cipher }),
    async holds(message, text) {
      const held = await bytes(message);
      return held !== undefined && Buffer.from(held).includes(Buffer.from(text));
    },
  };
  return search(query, ground, options);
}

interface CandidateQuery {
  readonly keys: readonly KeyMatch[];
  readonly span: Span;
  readonly limit: number;
  readonly shown: ShownTo | undefined;
  readonly cipher: TraceCipher | undefined;
}

/** The statements that answer a query; none if nothing can match. */
function candidateStatements(
  words: WordTable,
  query: TraceQuery,
  { keys, span, limit, shown, cipher }: CandidateQuery,
): Condition[] {
  const { branches, rest } = searchPlan(query, words, shown);
  if (branches.length === 0) return [];
  if (span.order === 'session') {
    const sessions = sessionStatement(words, { keys, span, cipher });
    if (sessions === undefined) return [];
    const chosen = branches.some(({ sql }) => sql !== '') ? [anyOf(branches)] : [];
    const conditions = [...chosen, ...madeBetween(query), ...rest];
    if (span.belowId !== undefined) {
      conditions.push({ sql: '(m.session_id < ? OR m.id < ?)', values: [span.high, span.belowId] });
    }
    return [sessionFirst(sessions, conditions, limit)];
  }
  // a session is not younger than its messages: younger days need not be looked into
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
 * Finds the sessions first and then the messages of each. Left to itself the planner was seen to walk
 * through all messages in order, waiting for one of the sessions (187,058 rows for 50).
 */
function sessionFirst(
  sessions: Condition,
  conditions: readonly Condition[],
  limit: number,
): Condition {
  const where = conditions.map(({ sql }) => ` AND ${sql}`).join('');
  return {
    sql: `WITH k AS MATERIALIZED (${sessions.sql})
      SELECT ${COLUMNS} FROM k CROSS JOIN LATERAL (
        SELECT * FROM message m WHERE m.session_id = k.session_id${where} OFFSET 0) m
      ORDER BY m.session_id DESC, m.id DESC LIMIT ?`,
    values: [...sessions.values, ...conditions.flatMap(({ values }) => values), limit],
  };
}

/** The sessions that have all keys. */
function sessionStatement(
  words: WordTable,
  { keys, span, cipher }: Pick<CandidateQuery, 'keys' | 'span' | 'cipher'>,
): Condition | undefined {
  const values: (number | string)[] = [];
  const sources: string[] = [];
  for (const key of keys) {
    const name = words.find(key.name);
    if (name === undefined) return undefined;
    const forms = key.prefix ? [key.value, afterPrefix(key.value)] : keyForms(key.value, cipher);
    sources.push(
      `SELECT session_id FROM skey WHERE name = ? AND ${key.prefix ? 'value >= ? AND value < ?' : isOneOf(forms)}
         AND session_id BETWEEN ? AND ?`,
    );
    values.push(name, ...forms, span.low, span.high);
  }
  const [first = '', ...others] = sources;
  const sql = others.length === 0 ? `${first} GROUP BY session_id` : sources.join(' INTERSECT ');
  return { sql, values };
}

function madeBetween({ from, to }: TraceQuery): Condition[] {
  return [
    ...(from === undefined ? [] : [{ sql: 'm.id >= ?', values: [idAtTime(from)] }]),
    ...(to === undefined ? [] : [{ sql: 'm.id < ?', values: [idAtTime(to + 1)] }]),
  ];
}

async function top(db: Database): Promise<number> {
  const [row] = await db.rows<{ newest: number | null }>(
    'SELECT id AS newest FROM message ORDER BY id DESC LIMIT ?',
    1,
  );
  return row?.newest ?? 0;
}

/** Of sessions the oldest at all: one with a message since `from` may have begun long before. */
async function bottom(
  db: Database,
  order: Span['order'],
  from: number | undefined,
): Promise<number> {
  const [row] = await db.rows<{ lowest: number | null }>(
    'SELECT session_id AS lowest FROM message ORDER BY session_id LIMIT ?',
    1,
  );
  const lowest = row?.lowest ?? Number.MAX_SAFE_INTEGER;
  return order === 'id' && from !== undefined ? Math.max(lowest, idAtTime(from)) : lowest;
}

const byId = (a: TracedMessage, b: TracedMessage): number => b.id - a.id;
const bySession = (a: TracedMessage, b: TracedMessage): number =>
  b.sessionId - a.sessionId || b.id - a.id;
