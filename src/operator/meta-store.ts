import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** A small database beside the trace: saved searches, jobs, alerts. Backed up, never purged with the trace. */
export interface MetaStore {
  readonly database: DatabaseSync;
  close(): void;
}

const TABLES = `
CREATE TABLE IF NOT EXISTS saved_search(
  id INTEGER PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL, shared INTEGER NOT NULL, criteria TEXT NOT NULL,
  UNIQUE(owner, name)) STRICT;
CREATE TABLE IF NOT EXISTS preference(owner TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS job(
  id INTEGER PRIMARY KEY, type TEXT NOT NULL, by TEXT NOT NULL, reason TEXT, target TEXT, created INTEGER NOT NULL,
  ended INTEGER, state TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS job_item(
  job_id INTEGER NOT NULL, n INTEGER NOT NULL, message_id INTEGER NOT NULL, state TEXT NOT NULL, result_id INTEGER,
  code TEXT, text TEXT, PRIMARY KEY(job_id, n)) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS job_item_state ON job_item(job_id, state);
CREATE TABLE IF NOT EXISTS frozen_list(
  id TEXT PRIMARY KEY, owner TEXT NOT NULL, created INTEGER NOT NULL, visible TEXT NOT NULL, ids TEXT NOT NULL,
  complete INTEGER NOT NULL, job INTEGER) STRICT;
CREATE TABLE IF NOT EXISTS alert(
  id INTEGER PRIMARY KEY, rule TEXT NOT NULL, object TEXT NOT NULL, host TEXT, level TEXT NOT NULL, text TEXT NOT NULL,
  state TEXT NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, notified INTEGER, ended INTEGER,
  owner TEXT, snoozed INTEGER, note TEXT) STRICT;
CREATE INDEX IF NOT EXISTS alert_open ON alert(rule, object) WHERE ended IS NULL;
CREATE TABLE IF NOT EXISTS hold(
  session_id INTEGER PRIMARY KEY, reason TEXT NOT NULL, by TEXT NOT NULL, at INTEGER NOT NULL, until INTEGER) STRICT;
`;

/** Opens meta.db in the data folder, made if it is not there. Its tables are small: it is read and written on the calling thread. */
export function metaStore(folder: string): MetaStore {
  mkdirSync(folder, { recursive: true });
  const database = new DatabaseSync(join(folder, 'meta.db'));
  database.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=5000;');
  database.exec(TABLES);
  return { database, close: () => database.close() };
}
