import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const SCHEMA = `
CREATE TABLE IF NOT EXISTS user(
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE, password TEXT NOT NULL,
  must_change INTEGER NOT NULL, roles TEXT NOT NULL, scope TEXT NOT NULL, expires INTEGER,
  break_glass INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL, last_sign_in INTEGER) STRICT;
CREATE TABLE IF NOT EXISTS sign_in_failure(
  key TEXT PRIMARY KEY, count INTEGER NOT NULL, next_try INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS web_session(
  id BLOB PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE, via TEXT NOT NULL, roles TEXT NOT NULL,
  scope TEXT NOT NULL, csrf TEXT NOT NULL, created INTEGER NOT NULL, seen INTEGER NOT NULL,
  ip TEXT NOT NULL, provider TEXT, id_token TEXT) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS api_token(
  id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, kind TEXT NOT NULL, label TEXT NOT NULL,
  user TEXT NOT NULL COLLATE NOCASE, permissions TEXT, family TEXT NOT NULL, created INTEGER NOT NULL,
  expires INTEGER NOT NULL, last_used INTEGER, revoked INTEGER) STRICT;
CREATE INDEX IF NOT EXISTS api_token_family ON api_token(family);
CREATE TABLE IF NOT EXISTS sign_in_settings(digest TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS enforcement(
  digest TEXT PRIMARY KEY, tested INTEGER, since INTEGER, last_success INTEGER) STRICT, WITHOUT ROWID;
`;

/**
 * Opens `meta.db` of a data folder, where users, sessions and tokens are kept. The running operator
 * plane and the command line open it at the same time.
 */
export function metaDatabase(data: string): DatabaseSync {
  mkdirSync(data, { recursive: true });
  const database = new DatabaseSync(join(data, 'meta.db'), { timeout: 5_000 });
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  database.exec(SCHEMA);
  return database;
}
