import { EngineError } from '../../../error/engine-error.ts';
import type { Hold, TraceUsage } from '../../trace-store.ts';
import { messageCount } from './apply.ts';
import { findState } from './read.ts';
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
    messages: messageCount(files.day(day)),
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
  'SELECT count(*) AS n FROM skey WHERE session_id NOT IN (SELECT session_id FROM message)',
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
