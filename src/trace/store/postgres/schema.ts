import { newerVersion } from '../../../database/newer-version.ts';
import type { Database, PostgresSession } from '../../../database/postgres.ts';
import { declaredColumns, withAddedColumns } from '../message-columns.ts';

/** The tables that are partitioned by the day of the session, to be dropped as a whole. */
export const PARTITIONED = ['message', 'body', 'skey', 'attempt', 'past'] as const;

/**
 * As in SQLite, with days as partitions. What outlives its day moves to the default partition,
 * which also receives everything for removed days. Times are milliseconds since 1970.
 */
const SCHEMA = `
CREATE TABLE note(name text PRIMARY KEY, value text NOT NULL);
CREATE TABLE word(id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, text text NOT NULL UNIQUE);
CREATE TABLE day(day text PRIMARY KEY, messages bigint NOT NULL DEFAULT 0, search text);
CREATE TABLE message(${declaredColumns('postgres')},
  PRIMARY KEY(session_id, id)) PARTITION BY RANGE(session_id);
CREATE INDEX message_id ON message(id);
CREATE INDEX message_source ON message(source, id);
CREATE INDEX message_target ON message(target, id);
CREATE INDEX message_status ON message(status, id) WHERE status <> 2;
CREATE INDEX message_queue ON message(stream, sequence) WHERE status < 2;
CREATE INDEX message_resend ON message(resend_of) WHERE resend_of IS NOT NULL;
CREATE TABLE body(session_id bigint NOT NULL, id int NOT NULL, base int, hash bytea NOT NULL,
  encoding smallint NOT NULL, size bigint NOT NULL, data bytea NOT NULL,
  PRIMARY KEY(session_id, id)) PARTITION BY RANGE(session_id);
ALTER TABLE body ALTER COLUMN data SET STORAGE EXTERNAL;
CREATE INDEX body_reference ON body(data) WHERE encoding = 5;
CREATE TABLE skey(session_id bigint NOT NULL, name int NOT NULL, value text COLLATE "C" NOT NULL,
  PRIMARY KEY(name, value, session_id)) PARTITION BY RANGE(session_id);
CREATE TABLE attempt(session_id bigint NOT NULL, message_id bigint NOT NULL, attempt int NOT NULL,
  at bigint NOT NULL, next bigint NOT NULL, code int NOT NULL, text text NOT NULL,
  retryable boolean NOT NULL, PRIMARY KEY(session_id, message_id, attempt, at)) PARTITION BY RANGE(session_id);
CREATE TABLE past(session_id bigint NOT NULL, message_id bigint NOT NULL, done bigint NOT NULL,
  status smallint NOT NULL, body int, json text NOT NULL,
  PRIMARY KEY(session_id, message_id, done, status)) PARTITION BY RANGE(session_id);
${PARTITIONED.map((table) => `CREATE TABLE ${table}_held PARTITION OF ${table} DEFAULT;`).join('\n')}
CREATE TABLE explanation(day text NOT NULL, id bigint NOT NULL, json text NOT NULL, PRIMARY KEY(day, id));
CREATE TABLE key_name(word int PRIMARY KEY);
CREATE TABLE event(host int NOT NULL, at bigint NOT NULL, event text NOT NULL, digest text NOT NULL,
  level smallint NOT NULL, text text NOT NULL, by text, PRIMARY KEY(host, at, event, digest));
CREATE INDEX event_at ON event(at);
CREATE TABLE statistic(minute bigint NOT NULL, host int NOT NULL, n_in bigint NOT NULL,
  n_out bigint NOT NULL, n_error bigint NOT NULL, bytes bigint NOT NULL, latency bigint NOT NULL,
  latency_max bigint NOT NULL, PRIMARY KEY(minute, host));
CREATE TABLE hold(session_id bigint PRIMARY KEY, reason text NOT NULL, by text NOT NULL, until bigint);
CREATE TABLE gone_body(ref text PRIMARY KEY, at bigint NOT NULL);
INSERT INTO note VALUES('version', '1');
`;

/** The receiver's text about a failed try. */
const SAID_OF_TRY = 'ALTER TABLE attempt ADD COLUMN said text;';

/** When hosts ran: `parts` has a bit for each ten minutes of the hour since 1970. */
const RUNNING = `CREATE TABLE running(hour bigint NOT NULL, host int NOT NULL, parts smallint NOT NULL,
  PRIMARY KEY(hour, host));`;

/** The messages of a branch, as in SQLite. */
const BRANCHES = 'CREATE INDEX message_branch ON message(branch) WHERE branch IS NOT NULL;';

/**
 * The versions of the schema, oldest first; released ones are never changed. As in SQLite, but for
 * all days at once: a migration adds columns and indexes, and leaves filling them to the readers.
 */
export const MIGRATIONS = withAddedColumns(
  [SCHEMA, SAID_OF_TRY, RUNNING, '', '', BRANCHES],
  'postgres',
);

/** From one version of the schema to another. */
export interface Migration {
  readonly from: number;
  readonly to: number;
}

/**
 * Creates the production's schema if it is missing, or migrates it to the newest version: one
 * operator plane does it, in one transaction, while others wait. The role needs the right to create
 * a schema, unless it already exists.
 */
export async function ensureSchema(
  db: Database,
  schema: string,
  {
    migrations = MIGRATIONS,
    onMigration,
    onLeft,
  }: {
    readonly migrations?: readonly string[];
    /** Called before an older one is changed. */
    readonly onMigration?: ((change: Migration) => void) | undefined;
    /** Called if tables of a trace lie in `public`. */
    readonly onLeft?: (() => void) | undefined;
  } = {},
): Promise<void> {
  const known = migrations.length;
  await db.transaction(async (session) => {
    const found = await versionOf(session, schema);
    if (onLeft !== undefined && (await hasLeftTables(session))) onLeft();
    if (found === known) return;
    if (found > known) {
      throw newerVersion(`the trace in the schema ${schema}`, {
        found,
        known,
        remedy:
          'give this one its own database: the trace is rebuilt there from what the streams still contain',
      });
    }
    if (found === 0) await session.run(`CREATE SCHEMA IF NOT EXISTS "${schema}"`);
    else onMigration?.({ from: found, to: known });
    for (const statement of migrations.slice(found).join('').split(';')) {
      if (statement.trim() !== '') await session.run(statement);
    }
    await session.run(`UPDATE note SET value = ? WHERE name = 'version'`, String(known));
  });
}

/** Whether an earlier version, which had no schema of its own behind PgBouncer, wrote into `public`. */
async function hasLeftTables(session: PostgresSession): Promise<boolean> {
  const [left] = await session.rows<{ found: boolean }>(
    `SELECT count(*) = 3 AS found FROM pg_tables
       WHERE schemaname = 'public' AND tablename IN ('skey', 'skey_held', 'gone_body')`,
  );
  return left?.found === true;
}

async function versionOf(session: PostgresSession, schema: string): Promise<number> {
  const [made] = await session.rows<{ found: boolean }>(
    `SELECT to_regclass(?) IS NOT NULL AS found`,
    `"${schema}".note`,
  );
  if (made?.found !== true) return 0;
  const [note] = await session.rows<{ value: string }>(
    `SELECT value FROM note WHERE name = 'version'`,
  );
  return Number(note?.value ?? 0);
}
