import type { MetaDatabase } from '../meta/meta-database.ts';
import type { Storage } from './contract/storage.ts';

type Hold = Storage['holds'][number];

/** The holds that people have set, for showing; the trace store is what keeps the sessions. */
export function holdList(database: MetaDatabase): {
  add(hold: Hold): void;
  remove(sessionId: number): void;
  list(now: number): readonly Hold[];
} {
  return {
    add({ sessionId, reason, by, at, until }) {
      database.transaction(() => {
        database.run('DELETE FROM hold WHERE session_id = ?', sessionId);
        database.run(
          'INSERT INTO hold(session_id, reason, by, at, until) VALUES(?, ?, ?, ?, ?)',
          sessionId,
          reason,
          by,
          at,
          until ?? null,
        );
      });
    },
    remove(sessionId) {
      database.run('DELETE FROM hold WHERE session_id = ?', sessionId);
    },
    list: (now) =>
      database
        .all('SELECT * FROM hold WHERE until IS NULL OR until > ? ORDER BY at DESC', now)
        .map((row) => ({
          sessionId: Number(row['session_id']),
          reason: String(row['reason']),
          by: String(row['by']),
          at: Number(row['at']),
          until: row['until'] === null ? undefined : Number(row['until']),
        })),
  };
}
