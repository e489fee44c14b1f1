import type { Database } from '../../../database/postgres.ts';
import type { KeptMessage, PurgeOptions, PurgeReport } from '../../trace-store.ts';
import { statusOfCode } from '../stored-code.ts';
import type { Memory } from './memory.ts';
import { partition } from './partitions.ts';
import {
  heldSessions,
  IS_OPEN,
  KEPT_NAMED,
  reasonToGo,
  SETTLED_HELD,
  sessionsToKeep,
  settledSince,
} from './purge.ts';
import { bytesOfDay, totalBytes } from './upkeep.ts';

/** What a purge would do; nothing is changed. */
export async function purgePlan(
  db: Database,
  memory: Memory,
  options: PurgeOptions,
): Promise<PurgeReport> {
  const { now, keep, signal } = options;
  await memory.words.refresh(db);
  await memory.partitions.refresh(db);
  const settled = await db.rows(SETTLED_HELD, now - keep);
  const removed: PurgeReport['removed'][number][] = [];
  const kept = await openMessagesIn(db, memory, 'message_held');
  let keptSessions = (await heldSessions(db)) - settled.length;
  let total = options.maxBytes === undefined ? 0 : await totalBytes(db);
  for (const day of memory.partitions.days().toReversed()) {
    signal?.throwIfAborted();
    const because = await reasonToGo(() => total, day, options);
    if (because === undefined) break;
    const bytes = await bytesOfDay(db, day);
    const [count] = await db.rows<{ messages: number }>(
      'SELECT messages FROM day WHERE day = ?',
      day,
    );
    removed.push({ day, because, bytes, messages: count?.messages ?? 0 });
    const since = settledSince(because, options);
    keptSessions += (await db.rows(sessionsToKeep(day, { now, since }))).length;
    kept.push(...(await openMessagesIn(db, memory, partition('message', day))));
    total -= bytes;
  }
  return {
    removed,
    kept: kept.slice(0, KEPT_NAMED),
    keptSessions,
    released: settled.length,
    bodiesRemoved: 0,
  };
}

async function openMessagesIn(
  db: Database,
  { words }: Memory,
  table: string,
): Promise<KeptMessage[]> {
  const rows = await db.rows<{
    id: number;
    session_id: number;
    target: number;
    status: number;
    created: number;
  }>(
    `SELECT id, session_id, target, status, created FROM ${table} m WHERE ${IS_OPEN} ORDER BY id LIMIT ?`,
    KEPT_NAMED,
  );
  return rows.map((row) => ({
    sessionId: row.session_id,
    messageId: row.id,
    host: words.text(row.target),
    reason: statusOfCode(row.status),
    since: row.created,
  }));
}
