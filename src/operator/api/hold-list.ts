import type { DatabaseSync } from 'node:sqlite';
import type { Storage } from './contract/storage.ts';

type Hold = Storage['holds'][number];

/** The holds that people have set, for showing; the trace store is what keeps the sessions. */
export function holdList(database: DatabaseSync): {
  add(hold: Hold): void;
  remove(sessionId: number): void;
  list(now: number): readonly Hold[];
} {
  return {
    add({ sessionId, reason, by, at, until }) {
      database
        .prepare(
          'INSERT OR REPLACE INTO hold(session_id, reason, by, at, until) VALUES(?, ?, ?, ?, ?)',
        )
        .run(sessionId, reason, by, at, until ?? null);
    },
    remove(sessionId) {
      database.prepare('DELETE FROM hold WHERE session_id = ?').run(sessionId);
    },
    list: (now) =>
      database
        .prepare('SELECT * FROM hold WHERE until IS NULL OR until > ? ORDER BY at DESC')
        .all(now)
        .map((row) => ({
          sessionId: Number(row['session_id']),
          reason: String(row['reason']),
          by: String(row['by']),
          at: Number(row['at']),
          until: row['until'] === null ? undefined : Number(row['until']),
        })),
  };
}
