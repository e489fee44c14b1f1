import type { DatabaseSync } from 'node:sqlite';
import { newerVersion } from './newer-version.ts';

/** Brings a file from one form to the next; it runs in a transaction with those beside it. */
export type SqliteMigration = (db: DatabaseSync) => void;

export interface SqliteMigrations {
  /** What the file is, for people. */
  readonly what: string;
  /** What people can do other than run the newer version. */
  readonly remedy: string;
  /** The first makes an empty file; none is ever changed once it was released. */
  readonly migrations: readonly SqliteMigration[];
}

/**
 * Brings a file to the newest form; returns the form it had, 0 for a new file. Of several processes one does it, the
 * others wait. It is done as a whole or not at all, whenever the process is killed. Throws STORE_UNAVAILABLE for
 * a file of a newer version.
 */
export function migrateSqlite(
  db: DatabaseSync,
  { what, remedy, migrations }: SqliteMigrations,
): number {
  const known = migrations.length;
  if (versionOf(db) === known) return known;
  db.exec('BEGIN IMMEDIATE');
  try {
    // as it stands now that nobody else writes
    const found = versionOf(db);
    if (found > known) throw newerVersion(what, { found, known, remedy });
    for (const migrate of migrations.slice(found)) migrate(db);
    db.exec(`PRAGMA user_version=${known}`);
    db.exec('COMMIT');
    return found;
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

function versionOf(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()?.['user_version']);
}
