import type { Database, Session } from '../../../database/postgres.ts';
import { idAtTime } from '../../../message/id.ts';
import {
  BODY_GRACE,
  type KeptMessage,
  type PurgeOptions,
  type PurgeReport,
} from '../../trace-store.ts';
import { BODY_ENCODING } from '../body-codec.ts';
import { dayOf, endOfDay } from '../day.ts';
import { NOT_COMPLETED, OPEN, statusOfCode } from '../stored-code.ts';
import type { Memory } from './memory.ts';
import { boundsOf, partition } from './partitions.ts';
import { PARTITIONED } from './schema.ts';
import { bytesOfDay, totalBytes } from './upkeep.ts';

export const KEPT_NAMED = 1_000;
const LATEST = 'ON CONFLICT(ref) DO UPDATE SET at = excluded.at';
export const IS_OPEN = `m.${NOT_COMPLETED} AND m.${OPEN}`;

type RemovedDay = PurgeReport['removed'][number];

/** Removes whole days; what is open or on hold moves to the default partition first. */
export async function purge(
  db: Database,
  memory: Memory,
  options: PurgeOptions,
): Promise<PurgeReport> {
  await memory.words.refresh(db);
  await memory.partitions.refresh(db);
  const removed: RemovedDay[] = [];
  for (const day of memory.partitions.days().toReversed()) {
    options.signal?.throwIfAborted();
    const because = await reasonToGo(() => totalBytes(db), day, options);
    if (because === undefined) break;
    removed.push(
      await removeDay(db, memory, { day, because, now: options.now, keep: options.keep }),
    );
  }
  const released = await dropSettled(db, memory, options);
  return {
    removed,
    kept: await keptMessages(db, memory, options.now),
    keptSessions: await heldSessions(db),
    released,
    bodiesRemoved: await removeBodies(db, options),
  };
}

/** @param total what the store takes; asked only where it matters */
export async function reasonToGo(
  total: () => Promise<number> | number,
  day: string,
  { now, keep, maxBytes }: PurgeOptions,
): Promise<RemovedDay['because'] | undefined> {
  if (endOfDay(day) + keep <= now) return 'age';
  if (maxBytes === undefined || day >= dayOf(now)) return undefined;
  return (await total()) > maxBytes ? 'size' : undefined;
}

interface Removal {
  readonly day: string;
  readonly because: RemovedDay['because'];
  readonly now: number;
  readonly keep: number;
}

/** All in one transaction: nothing can be added to the day meanwhile, and a crash leaves it whole. */
function removeDay(
  db: Database,
  memory: Memory,
  { day, because, now, keep }: Removal,
): Promise<RemovedDay> {
  return memory.transaction(db, async (session) => {
    const bytes = await bytesOfDay(session, day);
    const [count] = await session.rows<{ messages: number }>(
      'SELECT messages FROM day WHERE day = ?',
      day,
    );
    for (const table of PARTITIONED) {
      await session.run(`ALTER TABLE ${table} DETACH PARTITION ${partition(table, day)}`);
    }
    await keepOpen(session, day, { now, since: settledSince(because, { now, keep }) });
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
    return { day, because, bytes, messages: count?.messages ?? 0 };
  });
}

/** Selects the sessions of a day that are open, on hold, or were settled after `since`. */
export function sessionsToKeep(
  day: string,
  { now, since }: { readonly now: number; readonly since: number },
): string {
  const message = partition('message', day);
  const { first, next } = boundsOf(day);
  return `SELECT DISTINCT session_id FROM ${message} m WHERE ${IS_OPEN} OR done > ${since}
    UNION SELECT session_id FROM hold WHERE session_id >= ${first} AND session_id < ${next}
      AND (until IS NULL OR until > ${now})
      AND EXISTS (SELECT 1 FROM ${message} m WHERE m.session_id = hold.session_id)`;
}

/** What was settled late has its time from then, unless room is needed. */
export const settledSince = (
  because: RemovedDay['because'],
  { now, keep }: Pick<PurgeOptions, 'now' | 'keep'>,
): number => (because === 'age' ? now - keep : Number.MAX_SAFE_INTEGER);

/** Selects the sessions without a day that were settled by then and are on no hold. */
export const SETTLED_HELD = `SELECT session_id FROM message_held m GROUP BY session_id
  HAVING NOT bool_or(${IS_OPEN}) AND max(coalesce(m.done, m.created)) <= ?
    AND NOT EXISTS (SELECT 1 FROM hold WHERE hold.session_id = m.session_id)`;

/** What no partition claims any more goes to the default one. */
async function keepOpen(
  session: Session,
  day: string,
  { now, since }: { readonly now: number; readonly since: number },
): Promise<void> {
  await session.run(
    `CREATE TEMP TABLE kept ON COMMIT DROP AS ${sessionsToKeep(day, { now, since })}`,
  );
  for (const table of PARTITIONED) {
    await session.run(
      `INSERT INTO ${table} SELECT * FROM ${partition(table, day)} WHERE session_id IN (SELECT session_id FROM kept)`,
    );
  }
  await session.run(
    `INSERT INTO gone_body SELECT DISTINCT convert_from(data, 'UTF8'), ?::bigint FROM ${partition('body', day)}
       WHERE encoding = ? ${LATEST}`,
    now,
    BODY_ENCODING.reference,
  );
  await session.run(
    'DELETE FROM explanation WHERE day = ? AND id NOT IN (SELECT explain FROM message_held WHERE explain IS NOT NULL)',
    day,
  );
  await session.run('DROP TABLE kept');
}

/** Roll-ups outlive their messages, by the hour. */
async function keepStatistics(session: Session, day: string): Promise<void> {
  await session.run(
    `WITH old AS (DELETE FROM statistic WHERE minute < ? RETURNING *)
     INSERT INTO statistic SELECT minute / 60 * 60, host, sum(n_in), sum(n_out), sum(n_error), sum(bytes),
       sum(latency), max(latency_max) FROM old GROUP BY minute / 60 * 60, host
     ON CONFLICT DO NOTHING`,
    Math.floor(endOfDay(day) / 60_000),
  );
}

/** Whether some message points to a large body. */
export async function pointsTo(db: Database, ref: string): Promise<boolean> {
  const rows = await db.rows(
    `SELECT 1 FROM body WHERE encoding = ${BODY_ENCODING.reference}
       AND data = convert_to(?, 'UTF8') LIMIT 1`,
    ref,
  );
  return rows.length > 0;
}

/** A resent message points to the large body of the first: it goes with the last of them. */
async function removeBodies(
  db: Database,
  { removeBody, signal, now }: PurgeOptions,
): Promise<number> {
  if (removeBody === undefined) return 0;
  const rows = await db.rows<{ ref: string; used: boolean }>(
    `SELECT ref, EXISTS (SELECT 1 FROM body WHERE encoding = ${BODY_ENCODING.reference}
       AND data = convert_to(ref, 'UTF8')) AS used FROM gone_body WHERE at <= ?`,
    now - BODY_GRACE,
  );
  for (const { ref, used } of rows) {
    signal?.throwIfAborted();
    if (!used) await removeBody(ref);
    await db.run('DELETE FROM gone_body WHERE ref = ?', ref);
  }
  return rows.filter(({ used }) => !used).length;
}

/** Removes held sessions that were settled `keep` ago and are no longer on hold. */
function dropSettled(db: Database, memory: Memory, { now, keep }: PurgeOptions): Promise<number> {
  return memory.transaction(db, async (session) => {
    await session.run('DELETE FROM hold WHERE until <= ?', now);
    const rows = await session.rows<{ session_id: number }>(SETTLED_HELD, now - keep);
    const sessionIds = rows.map(({ session_id }) => session_id);
    if (sessionIds.length === 0) return 0;
    await session.run(
      `INSERT INTO gone_body SELECT DISTINCT convert_from(data, 'UTF8'), ?::bigint FROM body_held
         WHERE encoding = ? AND session_id = ANY(?) ${LATEST}`,
      now,
      BODY_ENCODING.reference,
      sessionIds,
    );
    for (const table of PARTITIONED) {
      await session.run(`DELETE FROM ${table}_held WHERE session_id = ANY(?)`, sessionIds);
    }
    memory.bodies.forget();
    return sessionIds.length;
  });
}

export async function heldSessions(db: Database): Promise<number> {
  const [row] = await db.rows<{ n: number }>(
    'SELECT count(DISTINCT session_id) AS n FROM message_held',
  );
  return row?.n ?? 0;
}

async function keptMessages(db: Database, { words }: Memory, now: number): Promise<KeptMessage[]> {
  const rows = await db.rows<{
    id: number;
    session_id: number;
    target: number;
    status: number;
    created: number;
    held: boolean;
  }>(
    `SELECT id, session_id, target, status, created, false AS held FROM message_held m WHERE ${IS_OPEN}
     UNION ALL SELECT m.id, m.session_id, m.target, m.status, m.created, true FROM hold
       JOIN message m ON m.session_id = hold.session_id AND m.id = hold.session_id
       WHERE hold.until IS NULL OR hold.until > ?
     ORDER BY held, id LIMIT ?`,
    now,
    KEPT_NAMED,
  );
  // a session on hold that is young needs no keeping yet
  return rows
    .filter(({ session_id }) => session_id < idAtTime(now))
    .map((row) => ({
      sessionId: row.session_id,
      messageId: row.id,
      host: words.text(row.target),
      reason: row.held ? 'held' : statusOfCode(row.status),
      since: row.created,
    }));
}
