import { DatabaseSync } from 'node:sqlite';
import { makePrivate } from '../../../database/private-files.ts';
import { migrateSqlite, type SqliteMigration } from '../../../database/sqlite-migrations.ts';
import { declaredColumns, withAddedColumns } from '../message-columns.ts';

/**
 * One file holds all sessions that began on one UTC day. Page size, WAL, full sync and the
 * checkpoint interval are measured (bench/trace.ts): full sync costs nothing compared with the
 * rest, and a long interval writes the hot index pages once instead of many times. A log that grew beyond it, as while
 * somebody else reads the file for hours, has its size again after the next checkpoint.
 */
const PRAGMAS = `
PRAGMA page_size=4096;
PRAGMA journal_mode=WAL;
PRAGMA synchronous=FULL;
PRAGMA wal_autocheckpoint=16000;
PRAGMA journal_size_limit=65536000;
PRAGMA temp_store=MEMORY;
`;

/**
 * `word`: repeating texts. `message.status` is a number of STATUS_CODE. Partial indexes contain
 * what is rare: everything not completed (status 2), and what is still in a queue (0 queued, 1
 * retrying). `body.base` is the body used as dictionary, or the block that contains this one, one level deep. `skey.bucket` is the UTC
 * hour the session began: it keeps the inserts of random values within a small, warm part of the
 * tree (measured: without it six keys per message are nine tenths of all bytes written).
 */
const SCHEMA = `
CREATE TABLE word(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE note(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE message(${declaredColumns('sqlite')}) STRICT;
CREATE INDEX message_session ON message(session_id);
CREATE INDEX message_source ON message(source, id);
CREATE INDEX message_target ON message(target, id);
CREATE INDEX message_status ON message(status, id) WHERE status <> 2;
CREATE INDEX message_queue ON message(stream, sequence) WHERE status < 2;
CREATE INDEX message_resend ON message(resend_of) WHERE resend_of IS NOT NULL;
CREATE TABLE body(id INTEGER PRIMARY KEY, base INTEGER, hash BLOB NOT NULL,
  encoding INTEGER NOT NULL, size INTEGER NOT NULL, data BLOB NOT NULL) STRICT;
CREATE INDEX body_reference ON body(data) WHERE encoding = 5;
CREATE TABLE explanation(id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, json TEXT NOT NULL) STRICT;
CREATE TABLE attempt(message_id INTEGER NOT NULL, attempt INTEGER NOT NULL, at INTEGER NOT NULL,
  next INTEGER NOT NULL, code INTEGER NOT NULL, text TEXT NOT NULL, retryable INTEGER NOT NULL,
  PRIMARY KEY(message_id, attempt, at)) STRICT, WITHOUT ROWID;
CREATE TABLE past(message_id INTEGER NOT NULL, done INTEGER NOT NULL, status INTEGER NOT NULL,
  body INTEGER, json TEXT NOT NULL, PRIMARY KEY(message_id, done, status)) STRICT, WITHOUT ROWID;
CREATE TABLE skey(bucket INTEGER NOT NULL, name INTEGER NOT NULL, value TEXT NOT NULL,
  session_id INTEGER NOT NULL, PRIMARY KEY(bucket, name, value, session_id)) STRICT, WITHOUT ROWID;
CREATE TABLE key_name(word INTEGER PRIMARY KEY) STRICT;
CREATE TABLE event(host INTEGER NOT NULL, at INTEGER NOT NULL, event TEXT NOT NULL,
  level INTEGER NOT NULL, text TEXT NOT NULL, by TEXT,
  PRIMARY KEY(host, at, event, text)) STRICT, WITHOUT ROWID;
CREATE INDEX event_at ON event(at);
CREATE TABLE statistic(minute INTEGER NOT NULL, host INTEGER NOT NULL, n_in INTEGER NOT NULL,
  n_out INTEGER NOT NULL, n_error INTEGER NOT NULL, bytes INTEGER NOT NULL, latency INTEGER NOT NULL,
  latency_max INTEGER NOT NULL, PRIMARY KEY(minute, host)) STRICT, WITHOUT ROWID;
`;

/** The additional tables of held.db, for what outlives its day. */
const HELD_SCHEMA = `
CREATE TABLE hold(session_id INTEGER PRIMARY KEY, reason TEXT NOT NULL, by TEXT NOT NULL, until INTEGER) STRICT;
CREATE TABLE held_session(session_id INTEGER PRIMARY KEY, day TEXT NOT NULL, staged INTEGER NOT NULL) STRICT;
CREATE TABLE gone_day(day TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE gone_body(ref TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`;

/** The receiver's text about a failed try. */
const SAID_OF_TRY = 'ALTER TABLE attempt ADD COLUMN said TEXT;\n';

/** Bodies in blocks need no other table, but earlier versions cannot read them. */
const BLOCKS = '';

/** When hosts ran: `parts` has a bit for each ten minutes of the hour since 1970. */
const RUNNING = `
CREATE TABLE running(hour INTEGER NOT NULL, host INTEGER NOT NULL, parts INTEGER NOT NULL,
  PRIMARY KEY(hour, host)) STRICT, WITHOUT ROWID;
`;

/**
 * The messages of a branch. From here on `skey.session_id` is the scope of a key (`src/trace/scope.ts`): a session, or the
 * message with which a branch begins.
 */
const BRANCHES = 'CREATE INDEX message_branch ON message(branch) WHERE branch IS NOT NULL;';

/**
 * The migrations from each version of a file to the next, including those of the message table's
 * columns. Released ones are never changed: a new version is one more migration. It runs when the
 * file is opened, which for a past day is when somebody reads it, so it must be quick: it adds
 * columns and indexes, and leaves filling them to the readers.
 */
export const DAY_MIGRATIONS = forms(SCHEMA, SAID_OF_TRY, BLOCKS, '', '', BRANCHES);
const HELD_MIGRATIONS = forms(
  `${SCHEMA}${HELD_SCHEMA}`,
  SAID_OF_TRY,
  BLOCKS,
  RUNNING,
  '',
  BRANCHES,
);

function forms(...steps: readonly string[]): readonly SqliteMigration[] {
  return withAddedColumns(steps, 'sqlite').map((step) => (db) => db.exec(step));
}

export interface OpenedFile {
  readonly db: DatabaseSync;
  readonly isNew: boolean;
}

/** Opens a file of the trace, creating it if it is new, and migrates it to the newest version. */
export function openTraceFile(
  path: string,
  kind: 'day' | 'held',
  migrations = kind === 'day' ? DAY_MIGRATIONS : HELD_MIGRATIONS,
): OpenedFile {
  makePrivate(path);
  const db = new DatabaseSync(path, { timeout: 1_000 });
  try {
    db.exec(PRAGMAS);
    const before = migrateSqlite(db, {
      what: `the trace file ${path}`,
      remedy: 'move the trace folder away, and it is rebuilt from what the streams still contain',
      migrations,
    });
    return { db, isNew: before === 0 };
  } catch (error) {
    db.close();
    throw error;
  }
}
