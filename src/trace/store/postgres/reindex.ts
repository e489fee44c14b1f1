import type { Database } from '../../../database/postgres.ts';
import { isTold, tolerate } from '../../../error/foreseen.ts';
import type { SearchKey } from '../../trace-input.ts';
import type { ReindexOptions, ReindexReport } from '../../trace-store.ts';
import { writeKeys } from './apply.ts';
import type { Memory } from './memory.ts';
import { boundsOf, partition } from './partitions.ts';
import { body } from './read.ts';

const MESSAGES_AT_ONCE = 200;

interface Running extends ReindexOptions {
  readonly total: number;
  messages: number;
  added: number;
  failed: number;
}

interface Part {
  /** The day, or `held`. */
  readonly name: string;
  readonly messages: number;
}

/**
 * Builds the keys of every day anew, newest first: the day's keys are removed, then read from its bodies.
 * A day is marked when it is finished, so a job that was cut off does the unfinished day again. New
 * messages get their keys from the projector meanwhile.
 */
export async function reindex(
  db: Database,
  memory: Memory,
  options: ReindexOptions,
): Promise<ReindexReport> {
  const { fingerprint } = options;
  await setNote(db, 'fields', fingerprint);
  const stale = await staleParts(db, fingerprint);
  const total = stale.reduce((sum, { messages }) => sum + messages, 0);
  const running: Running = { ...options, total, messages: 0, added: 0, failed: 0 };
  for (const { name } of stale) {
    const keys = name === 'held' ? 'skey_held' : partition('skey', name);
    await db.run(`DELETE FROM ${keys}`);
    await fill(db, memory, { name, running });
    if (name === 'held') await setNote(db, 'held', fingerprint);
    else await db.run('UPDATE day SET search = ? WHERE day = ?', fingerprint, name);
  }
  const { messages, added, failed } = running;
  return { days: stale.length, messages, keys: added, failed };
}

async function setNote(db: Database, name: string, value: string): Promise<void> {
  await db.run(
    'INSERT INTO note VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value',
    name,
    value,
  );
}

async function staleParts(db: Database, fingerprint: string): Promise<Part[]> {
  const days = await db.rows<Part>(
    'SELECT day AS name, messages FROM day WHERE search IS DISTINCT FROM ? ORDER BY day DESC',
    fingerprint,
  );
  const held = await db.rows<Part>(
    `SELECT 'held' AS name, count(*) AS messages FROM message_held
       WHERE NOT EXISTS (SELECT 1 FROM note WHERE name = 'held' AND value = ?) HAVING count(*) > 0`,
    fingerprint,
  );
  return [...held, ...days];
}

/** Reads the messages of a day and stores their keys. */
async function fill(
  db: Database,
  memory: Memory,
  { name, running }: { readonly name: string; readonly running: Running },
): Promise<void> {
  const table = name === 'held' ? 'message_held' : partition('message', name);
  const { first, next } =
    name === 'held' ? { first: 0, next: Number.MAX_SAFE_INTEGER } : boundsOf(name);
  let after = { session: first, id: -1 };
  for (;;) {
    running.signal?.throwIfAborted();
    const rows = await db.rows<{ id: number; session_id: number; body: number | null }>(
      `SELECT id, session_id, body FROM ${table} WHERE (session_id, id) > (?, ?) AND session_id < ?
         ORDER BY session_id, id LIMIT ?`,
      after.session,
      after.id,
      next,
      MESSAGES_AT_ONCE,
    );
    const last = rows.at(-1);
    if (last === undefined) return;
    const keys = await keysOf(db, memory, { rows, running });
    running.added += await memory.transaction(db, async (session) => {
      await memory.words.add(
        session,
        keys.map(({ key }) => key.name),
      );
      return writeKeys(session, memory, keys);
    });
    running.messages += rows.length;
    running.progress?.({ day: name, done: running.messages, total: running.total });
    after = { session: last.session_id, id: last.id };
  }
}

async function keysOf(
  db: Database,
  { words, cipher }: Memory,
  {
    rows,
    running,
  }: {
    readonly rows: readonly { id: number; session_id: number; body: number | null }[];
    readonly running: Running;
  },
): Promise<{ sessionId: number; key: SearchKey }[]> {
  const found: { sessionId: number; key: SearchKey }[] = [];
  for (const row of rows) {
    // another message of the session has the same bytes
    if (row.body === null) continue;
    const stored = await body(db, words, { id: row.id, part: 'message', cipher });
    if (stored === undefined) continue;
    try {
      for (const key of await running.keys(stored)) found.push({ sessionId: row.session_id, key });
    } catch (error) {
      // counted and reported: it keeps no keys
      tolerate(error, isTold, 'reading the search fields of a message');
      running.failed++;
    }
  }
  return found;
}
