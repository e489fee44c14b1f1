import type { DatabaseSync } from 'node:sqlite';
import { newerVersion } from './newer-version.ts';

/** Migrates a file from one version to the next; it runs in a transaction with the other migrations. */
export type SqliteMigration = (db: DatabaseSync) => void;

export interface SqliteMigrations {
  /** A description of the file, for people. */
  readonly what: string;
  /** What people can do other than run the newer version. */
  readonly remedy: string;
  /** The first creates the tables in an empty file; released ones are never changed. */
  readonly migrations: readonly SqliteMigration[];
}

/**
 * Migrates a file to the newest version; returns the version it had, 0 for a new file. One of
 * several processes does it while the others wait. It is done completely or not at all, whenever
 * the process is killed. Throws STORE_UNAVAILABLE for a file of a newer version.
 */
export function migrateSqlite(
  db: DatabaseSync,
  { what, remedy, migrations }: SqliteMigrations,
): number {
  const known = migrations.length;
  if (versionOf(db) === known) return known;
  db.exec('BEGIN IMMEDIATE');
  try {
    // read again now that nobody else can write
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
