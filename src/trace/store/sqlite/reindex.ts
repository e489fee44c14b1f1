import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { isTold, tolerate } from '../../../error/foreseen.ts';
import { idAtTime } from '../../../message/id.ts';
import type { SearchKey } from '../../trace-input.ts';
import type { ReindexOptions, ReindexReport } from '../../trace-store.ts';
import { startOfDay } from '../day.ts';
import { MESSAGE_COLUMNS, type MessageRow } from '../message-columns.ts';
import { messageCount } from './apply.ts';
import { body } from './read.ts';
import type { TraceFiles } from './trace-files.ts';

const MESSAGES_AT_ONCE = 200;
const HOUR = 3_600_000;

interface Running extends ReindexOptions {
  readonly total: number;
  messages: number;
  added: number;
  failed: number;
}

/**
 * Builds the keys of every file anew, newest first and an hour at a time: the hour's keys are removed,
 * then read from its sessions' bodies. A file is marked when it is finished, so a job that was
 * cut off does the unfinished file again. New messages get their keys from the projector meanwhile.
 */
export async function reindex(files: TraceFiles, options: ReindexOptions): Promise<ReindexReport> {
  // days that begin from now on are indexed by these fields from the start
  files.held.setNote('fields', options.fingerprint);
  const stale = files
    .ranges()
    .map(({ name }) => name)
    .filter((name) => files.file(name).note('search') !== options.fingerprint);
  const total = stale.reduce((sum, name) => sum + messageCount(files.file(name)), 0);
  const running: Running = { ...options, total, messages: 0, added: 0, failed: 0 };
  for (const name of stale) {
    if (name === 'held') await reindexAll(files, name, running);
    else await reindexDay(files, name, running);
    files.file(name).setNote('search', options.fingerprint);
  }
  return {
    days: stale.length,
    messages: running.messages,
    keys: running.added,
    failed: running.failed,
  };
}

async function reindexDay(files: TraceFiles, day: string, running: Running): Promise<void> {
  for (let hour = 23; hour >= 0; hour--) {
    files.day(day).run('DELETE FROM skey WHERE bucket=?', hour);
    const start = startOfDay(day) + hour * HOUR;
    await fill(files, day, running, { low: idAtTime(start), high: idAtTime(start + HOUR) - 1 });
  }
}

async function reindexAll(files: TraceFiles, name: string, running: Running): Promise<void> {
  files.file(name).run('DELETE FROM skey');
  await fill(files, name, running, { low: 0, high: Number.MAX_SAFE_INTEGER });
}

/** Reads the messages of the sessions between two ids and stores their keys. */
async function fill(
  files: TraceFiles,
  name: string,
  running: Running,
  { low, high }: { readonly low: number; readonly high: number },
): Promise<void> {
  let after = { session: low - 1, id: 0 };
  for (;;) {
    running.signal?.throwIfAborted();
    const rows = messagesAfter(files, name, after, high);
    const last = rows.at(-1);
    if (last === undefined) return;
    const found = await keysOf(files, rows, running);
    const file = files.file(name);
    file.transaction(() => {
      for (const { sessionId, key } of found) if (file.keys.put(sessionId, key)) running.added++;
    });
    running.messages += rows.length;
    running.progress?.({ day: name, done: running.messages, total: running.total });
    after = { session: last.session_id, id: last.id };
    await yieldToOthers();
  }
}

function messagesAfter(
  files: TraceFiles,
  name: string,
  after: { readonly session: number; readonly id: number },
  high: number,
): MessageRow[] {
  return files.file(name).all<MessageRow>(
    `SELECT ${MESSAGE_COLUMNS.join(', ')} FROM message INDEXED BY message_session
       WHERE session_id >= ?1 AND session_id <= ?3 AND (session_id > ?1 OR id > ?2)
       ORDER BY session_id, id LIMIT ?4`,
    after.session,
    after.id,
    high,
    MESSAGES_AT_ONCE,
  );
}

async function keysOf(
  files: TraceFiles,
  rows: readonly MessageRow[],
  running: Running,
): Promise<{ sessionId: number; key: SearchKey }[]> {
  const found: { sessionId: number; key: SearchKey }[] = [];
  for (const row of rows) {
    // another message of the session has the same bytes
    if (row.body === null) continue;
    const stored = body(files, row.id, 'message');
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
