import { EngineError } from '../../../error/engine-error.ts';
import type { Hold, TraceUsage } from '../../trace-store.ts';
import {
  type BodyPlace,
  INDEXING,
  type IndexedStore,
  REINDEXED_AT_ONCE,
  rangesOfDay,
} from '../reindex.ts';
import { ALL_BUCKETS, bucketOf } from './file-tables.ts';
import { body, findState } from './read.ts';
import type { TraceFile } from './trace-file.ts';
import type { TraceFiles } from './trace-files.ts';

export function hold(files: TraceFiles, sessionId: number, { reason, by, until }: Hold): void {
  if (findState(files, sessionId) === undefined) {
    throw new EngineError('NOT_FOUND', `no session ${sessionId}`);
  }
  files.held.run(
    'INSERT OR REPLACE INTO hold(session_id, reason, by, until) VALUES(?, ?, ?, ?)',
    sessionId,
    reason,
    by,
    until ?? null,
  );
}

export function release(files: TraceFiles, sessionId: number): void {
  files.held.run('DELETE FROM hold WHERE session_id=?', sessionId);
}

export function usage(files: TraceFiles): TraceUsage {
  const days = files.days().map((day) => ({
    day,
    bytes: files.bytes(day),
    messages: files.day(day).messageCount(),
  }));
  return {
    days,
    bytes: days.reduce((sum, { bytes }) => sum + bytes, files.bytes('held')),
    heldSessions: files.held.count(),
  };
}

const ORPHANS = [
  `SELECT count(*) AS n FROM body WHERE id NOT IN (
     SELECT body FROM message WHERE body IS NOT NULL
     UNION ALL SELECT reply_body FROM message WHERE reply_body IS NOT NULL
     UNION ALL SELECT body FROM past WHERE body IS NOT NULL
     UNION ALL SELECT base FROM body WHERE base IS NOT NULL)`,
  'SELECT count(*) AS n FROM body WHERE base IS NOT NULL AND base NOT IN (SELECT id FROM body)',
  'SELECT count(*) AS n FROM message WHERE body IS NOT NULL AND body NOT IN (SELECT id FROM body)',
  'SELECT count(*) AS n FROM attempt WHERE message_id NOT IN (SELECT id FROM message)',
  'SELECT count(*) AS n FROM past WHERE message_id NOT IN (SELECT id FROM message)',
  `SELECT count(*) AS n FROM skey WHERE session_id NOT IN (
     SELECT session_id FROM message UNION ALL SELECT branch FROM message WHERE branch IS NOT NULL)`,
];

export function orphans(files: TraceFiles): number {
  let count = 0;
  for (const { name } of files.ranges()) {
    for (const sql of ORPHANS) count += files.file(name).first<{ n: number }>(sql)?.n ?? 0;
  }
  const unknown = files.held.first<{ n: number }>(
    'SELECT count(*) AS n FROM held_session WHERE session_id NOT IN (SELECT session_id FROM message)',
  );
  return count + (unknown?.n ?? 0);
}

/** The files for re-indexing: an hour of a day at a time, since keys are stored by the hour. */
export function indexedFiles(files: TraceFiles): IndexedStore {
  /** A day may be purged meanwhile: opening its file would make it again. */
  const standing = (part: string): TraceFile | undefined =>
    part === 'held' || files.days().includes(part) ? files.file(part) : undefined;
  return {
    stale(fingerprint) {
      // days that begin from now on are indexed with these fields from the start
      files.held.setNote('fields', fingerprint);
      return files
        .ranges()
        .map(({ name }) => files.file(name))
        .filter((file) => file.note('search') !== fingerprint)
        .map((file) => ({
          name: file.name,
          messages: file.messageCount(),
          indexed: file.note('search'),
        }));
    },
    ranges: (part) =>
      part === 'held' ? [{ part, low: 0, high: Number.MAX_SAFE_INTEGER }] : rangesOfDay(part),
    clear({ part, low, high }, names) {
      const file = standing(part);
      if (file === undefined) return;
      // what began later than its day is in any hour
      const isHour = part !== 'held' && high !== Number.MAX_SAFE_INTEGER;
      const buckets = isHour ? String(bucketOf(low)) : ALL_BUCKETS;
      const numbers = names?.map((name) => file.words.find(name) ?? 0);
      file.transaction(() =>
        file.run(
          `DELETE FROM skey WHERE bucket IN (${buckets}) AND session_id BETWEEN ? AND ?${numbers === undefined ? '' : ` AND name IN (${numbers.join(', ')})`}`,
          low,
          high,
        ),
      );
    },
    messagesAfter: ({ part, high }, after) =>
      standing(part)?.all<BodyPlace>(
        `SELECT id, session_id, branch, body FROM message INDEXED BY message_session
           WHERE session_id >= ?1 AND session_id <= ?3 AND (session_id > ?1 OR id > ?2)
           ORDER BY session_id, id LIMIT ?4`,
        after.session_id,
        after.id,
        high,
        REINDEXED_AT_ONCE,
      ) ?? [],
    body: (id) => body(files, id, 'message'),
    put(part, keys) {
      const file = standing(part);
      return (
        file?.transaction(
          () => keys.filter(({ scope, key }) => file.keys.put(scope, key)).length,
        ) ?? 0
      );
    },
    mark: (part, fingerprint) => standing(part)?.setNote('search', fingerprint),
    note: () => files.held.note(INDEXING),
    setNote: (text) => files.held.setNote(INDEXING, text),
  };
}
