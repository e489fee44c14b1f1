import type { MetaDatabase } from '../access/meta/meta-database.ts';
import type { Storage } from './contract/storage.ts';

type Hold = Storage['holds'][number];

/** The holds that people have set, for display; the trace store keeps the sessions themselves. */
export function holdList(database: MetaDatabase): {
  add(hold: Hold): Promise<void>;
  remove(sessionId: number): Promise<void>;
  list(now: number): Promise<readonly Hold[]>;
} {
  return {
    async add({ sessionId, reason, by, at, until }) {
      await database.run(
        `INSERT INTO hold(session_id, reason, by, at, until) VALUES(?, ?, ?, ?, ?)
           ON CONFLICT(session_id) DO UPDATE
           SET reason = excluded.reason, by = excluded.by, at = excluded.at, until = excluded.until`,
        sessionId,
        reason,
        by,
        at,
        until ?? null,
      );
    },
    async remove(sessionId) {
      await database.run('DELETE FROM hold WHERE session_id = ?', sessionId);
    },
    async list(now) {
      const rows = await database.all(
        'SELECT * FROM hold WHERE until IS NULL OR until > ? ORDER BY at DESC',
        now,
      );
      return rows.map((row) => ({
        sessionId: Number(row['session_id']),
        reason: String(row['reason']),
        by: String(row['by']),
        at: Number(row['at']),
        until: row['until'] === null ? undefined : Number(row['until']),
      }));
    },
  };
}
