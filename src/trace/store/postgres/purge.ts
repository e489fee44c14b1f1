import type { Database, PostgresSession } from '../../../database/postgres.ts';
import type { KeptMessage } from '../../trace-store.ts';
import { BODY_ENCODING } from '../body-codec.ts';
import { endOfDay } from '../day.ts';
import { KEPT_NAMED, type Keeping, type KeptRow, keptMessage, type PurgedStore } from '../purge.ts';
import { NOT_COMPLETED, OPEN } from '../stored-code.ts';
import type { Memory } from './memory.ts';
import { boundsOf, partition } from './partitions.ts';
import { dropRollUps } from './running.ts';
import { PARTITIONED } from './schema.ts';
import { bytesOfDay, totalBytes } from './upkeep.ts';

const LATEST = 'ON CONFLICT(ref) DO UPDATE SET at = excluded.at';
const IS_OPEN = `m.${NOT_COMPLETED} AND m.${OPEN}`;

/** The days for a purge: what is open or on hold moves to the default partitions before its day is removed. */
export async function purgedDays(db: Database, memory: Memory): Promise<PurgedStore> {
  await memory.words.refresh(db);
  await memory.partitions.refresh(db);
  return {
    days: () => memory.partitions.days().toReversed(),
    totalBytes: () => totalBytes(db),
    sizeOf: (day) => sizeOf(db, day),
    countToKeep: async (day, keeping) => (await db.rows(sessionsToKeep(day, keeping))).length,
    removeDay: (day, keeping) => removeDay(db, memory, day, keeping),
    heldSessions: () => heldSessions(db),
    countSettledHeld: async (by) => (await db.rows(SETTLED_HELD, by)).length,
    dropSettledHeld: (by, now) => dropSettledHeld(db, memory, by, now),
    dropRollUps: (before) => dropRollUps(db, before),
    openMessages: (part) => openMessages(db, memory, part),
    messagesOnHold: (now) => messagesOnHold(db, memory, now),
    goneBodies: async (until) => {
      const rows = await db.rows<{ ref: string }>('SELECT ref FROM gone_body WHERE at <= ?', until);
      return rows.map(({ ref }) => ref);
    },
    pointsTo: (ref) => pointsTo(db, ref),
    forgetGoneBody: (ref) => db.run('DELETE FROM gone_body WHERE ref = ?', ref),
  };
}

async function sizeOf(
  session: PostgresSession,
  day: string,
): Promise<{ readonly bytes: number; readonly messages: number }> {
  const [count] = await session.rows<{ messages: number }>(
    'SELECT messages FROM day WHERE day = ?',
    day,
  );
  return { bytes: await bytesOfDay(session, day), messages: count?.messages ?? 0 };
}

/** All in one transaction: nothing can be added to the day meanwhile, and after a crash it is complete. */
function removeDay(
  db: Database,
  memory: Memory,
  day: string,
  keeping: Keeping,
): Promise<{ readonly bytes: number; readonly messages: number }> {
  return memory.transaction(db, async (session) => {
    const size = await sizeOf(session, day);
    for (const table of PARTITIONED) {
      await session.run(`ALTER TABLE ${table} DETACH PARTITION ${partition(table, day)}`);
    }
    await keepOpen(session, day, keeping);
    await keepStatistics(session, day);
    for (const table of PARTITIONED) await session.run(`DROP TABLE ${partition(table, day)}`);
    await session.run('DELETE FROM event WHERE at < ?', endOfDay(day));
    await session.run('DELETE FROM day WHERE day = ?', day);
    await session.run(
      `INSERT INTO note VALUES('horizon', ?) ON CONFLICT(name) DO UPDATE
         SET value = greatest(note.value, excluded.value)`,
      day,
    );
    await memory.partitions.refresh(session);
    return size;
  });
}

/** Selects the sessions of a day that are open, on hold, or were recently settled. */
function sessionsToKeep(day: string, { now, settledSince }: Keeping): string {
  const message = partition('message', day);
  const { first, next } = boundsOf(day);
  return `SELECT DISTINCT session_id FROM ${message} m WHERE ${IS_OPEN} OR done > ${settledSince}
    UNION SELECT session_id FROM hold WHERE session_id >= ${first} AND session_id < ${next}
      AND (until IS NULL OR until > ${now})
      AND EXISTS (SELECT 1 FROM ${message} m WHERE m.session_id = hold.session_id)`;
}

/** Selects the sessions without a day that were settled by then and are not on hold. */
const SETTLED_HELD = `SELECT session_id FROM message_held m GROUP BY session_id
  HAVING NOT bool_or(${IS_OPEN}) AND max(coalesce(m.done, m.created)) <= ?
    AND NOT EXISTS (SELECT 1 FROM hold WHERE hold.session_id = m.session_id)`;

/** Rows without a partition of their own go to the default one. */
async function keepOpen(session: PostgresSession, day: string, keeping: Keeping): Promise<void> {
  await session.run(`CREATE TEMP TABLE kept ON COMMIT DROP AS ${sessionsToKeep(day, keeping)}`);
  // messages first: what belongs to them follows
  for (const table of PARTITIONED) {
    const theirs = table === 'skey' ? ` OR session_id IN (${branchesFrom(day)})` : '';
    await session.run(
      `INSERT INTO ${table} SELECT * FROM ${partition(table, day)} WHERE session_id IN (SELECT session_id FROM kept)${theirs}`,
    );
  }
  await dropLaterKeys(session, day);
  await session.run(
    `INSERT INTO gone_body SELECT DISTINCT convert_from(data, 'UTF8'), ?::bigint FROM ${partition('body', day)}
       WHERE encoding = ? ${LATEST}`,
    keeping.now,
    BODY_ENCODING.reference,
  );
  await session.run(
    'DELETE FROM explanation WHERE day = ? AND id NOT IN (SELECT explain FROM message_held WHERE explain IS NOT NULL)',
    day,
  );
  await session.run('DROP TABLE kept');
}

/** Selects the branches that began on a day and whose messages stay. */
function branchesFrom(day: string): string {
  const { first, next } = boundsOf(day);
  return `SELECT branch FROM message WHERE branch >= ${first} AND branch < ${next}`;
}

/** The search keys of branches that began after the day of their session, which goes now. */
async function dropLaterKeys(session: PostgresSession, day: string): Promise<void> {
  const rows = await session.rows<{ branch: number }>(
    `SELECT DISTINCT branch FROM ${partition('message', day)}
       WHERE branch >= ? AND session_id NOT IN (SELECT session_id FROM kept)`,
    boundsOf(day).next,
  );
  await dropKeys(
    session,
    rows.map(({ branch }) => branch),
  );
}

async function dropKeys(session: PostgresSession, scopes: readonly number[]): Promise<void> {
  if (scopes.length > 0) await session.run('DELETE FROM skey WHERE session_id = ANY(?)', scopes);
}

/** Roll-ups are kept longer than their messages, by the hour. */
async function keepStatistics(session: PostgresSession, day: string): Promise<void> {
  await session.run(
    `WITH old AS (DELETE FROM statistic WHERE minute < ? RETURNING *)
     INSERT INTO statistic SELECT minute / 60 * 60, host, sum(n_in), sum(n_out), sum(n_error), sum(bytes),
       sum(latency), max(latency_max) FROM old GROUP BY minute / 60 * 60, host
     ON CONFLICT DO NOTHING`,
    Math.floor(endOfDay(day) / 60_000),
  );
}

/** Whether any message refers to a large body. */
export async function pointsTo(db: Database, ref: string): Promise<boolean> {
  const rows = await db.rows(
    `SELECT 1 FROM body WHERE encoding = ${BODY_ENCODING.reference}
       AND data = convert_to(?, 'UTF8') LIMIT 1`,
    ref,
  );
  return rows.length > 0;
}

/** Ends expired holds, and removes held sessions that were settled by then and are on no other hold. */
function dropSettledHeld(db: Database, memory: Memory, by: number, now: number): Promise<number> {
  return memory.transaction(db, async (session) => {
    await session.run('DELETE FROM hold WHERE until <= ?', now);
    const rows = await session.rows<{ session_id: number }>(SETTLED_HELD, by);
    const sessionIds = rows.map(({ session_id }) => session_id);
    if (sessionIds.length === 0) return 0;
    await session.run(
      `INSERT INTO gone_body SELECT DISTINCT convert_from(data, 'UTF8'), ?::bigint FROM body_held
         WHERE encoding = ? AND session_id = ANY(?) ${LATEST}`,
      now,
      BODY_ENCODING.reference,
      sessionIds,
    );
    const branches = await session.rows<{ branch: number }>(
      'SELECT DISTINCT branch FROM message_held WHERE branch IS NOT NULL AND session_id = ANY(?)',
      sessionIds,
    );
    for (const table of PARTITIONED) {
      await session.run(`DELETE FROM ${table}_held WHERE session_id = ANY(?)`, sessionIds);
    }
    await dropKeys(
      session,
      branches.map(({ branch }) => branch),
    );
    memory.bodies.forget();
    return sessionIds.length;
  });
}

async function heldSessions(db: Database): Promise<number> {
  const [row] = await db.rows<{ n: number }>(
    'SELECT count(DISTINCT session_id) AS n FROM message_held',
  );
  return row?.n ?? 0;
}

async function openMessages(db: Database, { words }: Memory, part: string): Promise<KeptMessage[]> {
  const table = part === 'held' ? 'message_held' : partition('message', part);
  const rows = await db.rows<KeptRow>(
    `SELECT id, session_id, target, status, created FROM ${table} m WHERE ${IS_OPEN} ORDER BY id LIMIT ?`,
    KEPT_NAMED,
  );
  return rows.map((row) => keptMessage(row, words));
}

async function messagesOnHold(
  db: Database,
  { words }: Memory,
  now: number,
): Promise<KeptMessage[]> {
  const rows = await db.rows<KeptRow>(
    `SELECT m.id, m.session_id, m.target, m.status, m.created FROM hold
       JOIN message_held m ON m.session_id = hold.session_id AND m.id = hold.session_id
       WHERE hold.until IS NULL OR hold.until > ? ORDER BY m.id LIMIT ?`,
    now,
    KEPT_NAMED,
  );
  return rows.map((row) => keptMessage(row, words, 'held'));
}
