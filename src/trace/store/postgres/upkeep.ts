import type { Database, PostgresSession } from '../../../database/postgres.ts';
import { EngineError } from '../../../error/engine-error.ts';
import type { Hold, TraceUsage } from '../../trace-store.ts';
import {
  type BodyPlace,
  INDEXING,
  type IndexedPart,
  type IndexedStore,
  type OwnedKey,
  REINDEXED_AT_ONCE,
  rangesOfDay,
} from '../reindex.ts';
import { writeKeys } from './apply.ts';
import type { Memory } from './memory.ts';
import { boundsOf, partition } from './partitions.ts';
import { body } from './read.ts';
import { PARTITIONED } from './schema.ts';

export async function hold(
  db: Database,
  sessionId: number,
  { reason, by, until }: Hold,
): Promise<void> {
  const added = await db.run(
    `INSERT INTO hold(session_id, reason, by, until)
       SELECT ?::bigint, ?::text, ?::text, ?::bigint
       WHERE EXISTS (SELECT 1 FROM message WHERE session_id = ?)
     ON CONFLICT(session_id) DO UPDATE SET reason=excluded.reason, by=excluded.by, until=excluded.until`,
    sessionId,
    reason,
    by,
    until ?? null,
    sessionId,
  );
  if (added === 0) throw new EngineError('NOT_FOUND', `no session ${sessionId}`);
}

export async function release(db: Database, sessionId: number): Promise<void> {
  await db.run('DELETE FROM hold WHERE session_id = ?', sessionId);
}

export async function usage(db: Database, { partitions }: Memory): Promise<TraceUsage> {
  await partitions.refresh(db);
  const counts = await db.rows<{ day: string; messages: number }>(
    'SELECT day, messages FROM day ORDER BY day DESC',
  );
  const days: { day: string; bytes: number; messages: number }[] = [];
  for (const { day, messages } of counts) {
    days.push({ day, messages, bytes: await bytesOfDay(db, day) });
  }
  const [held] = await db.rows<{ n: number }>(
    'SELECT count(DISTINCT session_id) AS n FROM message_held',
  );
  return { days, bytes: await totalBytes(db), heldSessions: held?.n ?? 0 };
}

export async function bytesOfDay(session: PostgresSession, day: string): Promise<number> {
  const names = PARTITIONED.map((table) => partition(table, day));
  const [row] = await session.rows<{ bytes: number | null }>(
    'SELECT sum(pg_total_relation_size(name::regclass))::bigint AS bytes FROM unnest(?::text[]) AS name',
    names,
  );
  return row?.bytes ?? 0;
}

/** Of the production's whole schema. */
export async function totalBytes(session: PostgresSession): Promise<number> {
  const [row] = await session.rows<{ bytes: number | null }>(
    `SELECT sum(pg_total_relation_size(c.oid))::bigint AS bytes FROM pg_class c
       JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname = current_schema() AND c.relkind = 'r'`,
  );
  return row?.bytes ?? 0;
}

const ORPHANS = [
  `SELECT count(*) AS n FROM body b WHERE NOT EXISTS (
     SELECT 1 FROM message m WHERE m.session_id = b.session_id AND b.id IN (m.body, m.reply_body))
   AND NOT EXISTS (SELECT 1 FROM past p WHERE p.session_id = b.session_id AND p.body = b.id)
   AND NOT EXISTS (SELECT 1 FROM body d WHERE d.session_id = b.session_id AND d.base = b.id)`,
  `SELECT count(*) AS n FROM body b WHERE base IS NOT NULL AND NOT EXISTS (
     SELECT 1 FROM body o WHERE o.session_id = b.session_id AND o.id = b.base)`,
  `SELECT count(*) AS n FROM message m WHERE body IS NOT NULL AND NOT EXISTS (
     SELECT 1 FROM body b WHERE b.session_id = m.session_id AND b.id = m.body)`,
  ...['attempt', 'past'].map(
    (table) => `SELECT count(*) AS n FROM ${table} t WHERE NOT EXISTS (
       SELECT 1 FROM message m WHERE m.session_id = t.session_id AND m.id = t.message_id)`,
  ),
  `SELECT count(*) AS n FROM skey k WHERE NOT EXISTS (
     SELECT 1 FROM message m WHERE m.session_id = k.session_id)
   AND NOT EXISTS (SELECT 1 FROM message m WHERE m.branch = k.session_id)`,
];

export async function orphans(db: Database): Promise<number> {
  let count = 0;
  for (const sql of ORPHANS) count += (await db.rows<{ n: number }>(sql))[0]?.n ?? 0;
  return count;
}

/** The days for re-indexing, each as a whole. */
export function indexedDays(db: Database, memory: Memory): IndexedStore {
  const { words, cipher } = memory;
  return {
    async stale(fingerprint) {
      await setNote(db, 'fields', fingerprint);
      return staleParts(db, fingerprint);
    },
    ranges: (part) =>
      part === 'held' ? [{ part, low: 0, high: Number.MAX_SAFE_INTEGER }] : rangesOfDay(part),
    clear({ part, low, high }, names) {
      const isLater = part !== 'held' && high === Number.MAX_SAFE_INTEGER;
      const table = part === 'held' ? 'skey_held' : partition('skey', part);
      const message = part === 'held' ? 'message_held' : partition('message', part);
      // those of branches are with the day on which they began
      const within = isLater
        ? `DELETE FROM skey WHERE session_id IN (SELECT branch FROM ${message} WHERE branch BETWEEN ? AND ?)`
        : `DELETE FROM ${table} WHERE session_id BETWEEN ? AND ? AND session_id NOT IN (
             SELECT branch FROM message WHERE branch BETWEEN ${low} AND ${high} AND session_id < ${boundsOfPart(part).first})`;
      return names === undefined
        ? db.run(within, low, high)
        : db.run(
            `${within} AND name IN (SELECT id FROM word WHERE text = ANY(?))`,
            low,
            high,
            names,
          );
    },
    messagesAfter: ({ part, high }, after) =>
      db.rows<BodyPlace>(
        `SELECT id, session_id, branch, body FROM ${part === 'held' ? 'message_held' : partition('message', part)}
           WHERE (session_id, id) > (?, ?) AND session_id <= ? ORDER BY session_id, id LIMIT ?`,
        after.session_id,
        after.id,
        high,
        REINDEXED_AT_ONCE,
      ),
    body: (id) => body(db, words, { id, part: 'message', cipher }),
    put: (_, keys) =>
      memory.transaction(db, async (session) => {
        await words.add(
          session,
          keys.map(({ key }) => key.name),
        );
        return writeKeys(session, memory, await standing(session, keys));
      }),
    mark: (part, fingerprint) =>
      part === 'held'
        ? setNote(db, 'held', fingerprint)
        : db.run('UPDATE day SET search = ? WHERE day = ?', fingerprint, part),
    note: () => note(db, INDEXING),
    setNote: (text) => setNote(db, INDEXING, text),
  };
}

const boundsOfPart = (part: string): { readonly first: number } =>
  part === 'held' ? { first: 0 } : boundsOf(part);

/** Those of scopes that are still there: keys of a day that was purged meanwhile would never be removed. */
async function standing(session: PostgresSession, keys: readonly OwnedKey[]): Promise<OwnedKey[]> {
  const rows = await session.rows<{ id: number }>(
    `SELECT id FROM unnest(?::bigint[]) AS id WHERE EXISTS (SELECT 1 FROM message WHERE session_id = id)
       OR EXISTS (SELECT 1 FROM message WHERE branch = id)`,
    [...new Set(keys.map(({ scope }) => scope))],
  );
  const ids = new Set(rows.map(({ id }) => id));
  return keys.filter(({ scope }) => ids.has(scope));
}

const MARK = 'mark';

export const mark = (db: Database): Promise<string | undefined> => note(db, MARK);

export const setMark = (db: Database, own: string): Promise<void> => setNote(db, MARK, own);

export async function note(db: Database, name: string): Promise<string | undefined> {
  const [row] = await db.rows<{ value: string }>('SELECT value FROM note WHERE name = ?', name);
  return row?.value;
}

async function setNote(db: Database, name: string, value: string | undefined): Promise<void> {
  if (value === undefined) {
    await db.run('DELETE FROM note WHERE name = ?', name);
    return;
  }
  await db.run(
    'INSERT INTO note VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value',
    name,
    value,
  );
}

async function staleParts(db: Database, fingerprint: string): Promise<IndexedPart[]> {
  const days = await db.rows<IndexedPart>(
    `SELECT day AS name, messages, coalesce(search, '') AS indexed FROM day
       WHERE search IS DISTINCT FROM ? ORDER BY day DESC`,
    fingerprint,
  );
  const held = await db.rows<IndexedPart>(
    `SELECT 'held' AS name, count(*) AS messages,
         coalesce((SELECT value FROM note WHERE name = 'held'), '') AS indexed FROM message_held
       WHERE NOT EXISTS (SELECT 1 FROM note WHERE name = 'held' AND value = ?) HAVING count(*) > 0`,
    fingerprint,
  );
  return [...held, ...days];
}
