import { join } from 'node:path';
import { newerVersion } from '../../database/newer-version.ts';
import { isDamaged, setAside } from '../../trace/store/damage.ts';
import type { MetaDatabase, MetaPlace, MetaSession } from './meta-database.ts';
import { sqliteDatabase } from './sqlite/database.ts';
import {
  AUDIT_TABLES,
  EIGHTH_META_TABLES,
  ELEVENTH_META_TABLES,
  FIFTH_META_TABLES,
  FOURTH_META_TABLES,
  META_TABLES,
  NINTH_META_TABLES,
  SECOND_META_TABLES,
  SEVENTH_META_TABLES,
  SIXTH_META_TABLES,
  TENTH_META_TABLES,
  THIRD_AUDIT_TABLES,
  THIRD_META_TABLES,
  TWELFTH_META_TABLES,
} from './tables.ts';

/**
 * Users, sessions, tokens, searches, jobs, alerts. The command line opens it while the operator
 * plane runs.
 *
 * @param migrations the versions of the schema, oldest first; only tests pass their own
 */
export function metaDatabase(
  place: MetaPlace,
  migrations: readonly MetaMigration[] = META_MIGRATIONS,
): Promise<MetaDatabase> {
  return open(place, 'meta', migrations);
}

/** The audit log, in a file of its own. */
export function auditDatabase(place: MetaPlace): Promise<MetaDatabase> {
  return open(place, 'audit', AUDIT_MIGRATIONS);
}

async function open(
  place: MetaPlace,
  name: 'meta' | 'audit',
  migrations: readonly MetaMigration[],
): Promise<MetaDatabase> {
  const { data, shared, onDamaged } = place;
  try {
    return await opened(place, name, migrations);
  } catch (error) {
    if (shared !== undefined || onDamaged === undefined || !isDamaged(error)) throw error;
    onDamaged(setAside(join(data, `${name}.db`)));
    return opened(place, name, migrations);
  }
}

/** Opened and migrated to the newest version. */
async function opened(
  { data, shared, onMoved }: MetaPlace,
  name: 'meta' | 'audit',
  migrations: readonly MetaMigration[],
): Promise<MetaDatabase> {
  const database = await (shared === undefined
    ? sqliteDatabase(data, `${name}.db`, { onMoved })
    : (await import('./postgres/database.ts')).postgresDatabase(shared, name));
  const where =
    shared === undefined
      ? `${name}.db in ${data}`
      : `the schema waybill_${shared.production}_meta (${name})`;
  try {
    await migrate(database, { name, where, migrations });
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

/**
 * Migrates the tables from one version to the next. It runs in one transaction with the other
 * migrations, and uses only the session it is given.
 */
export type MetaMigration = (session: MetaSession, dialect: Dialect) => Promise<void>;

type Dialect = Pick<MetaDatabase, 'shared' | 'written'>;

/**
 * The versions of the tables, oldest first. Released ones are never changed: a new version is one
 * more entry. The first also accepts tables made before versions were numbered.
 */
export const META_MIGRATIONS: readonly MetaMigration[] = [
  async (session, dialect) => {
    await define(session, dialect.written(META_TABLES));
    if (!(await hasColumn(session, dialect, 'job', 'orderer')))
      await define(session, dialect.written(ORDERER));
  },
  (session, { written }) => define(session, written(SECOND_META_TABLES)),
  async (session, dialect) => {
    if (!(await hasColumn(session, dialect, 'job', 'counted')))
      await define(session, dialect.written(THIRD_META_TABLES));
  },
  (session, { written }) => define(session, written(FOURTH_META_TABLES)),
  (session, { written }) => define(session, written(FIFTH_META_TABLES)),
  (session, { written }) => define(session, written(SIXTH_META_TABLES)),
  (session, { written }) => define(session, written(SEVENTH_META_TABLES)),
  (session, { written }) => define(session, written(EIGHTH_META_TABLES)),
  (session, { written }) => define(session, written(NINTH_META_TABLES)),
  (session, { written }) => define(session, written(TENTH_META_TABLES)),
  (session, { written }) => define(session, written(ELEVENTH_META_TABLES)),
  (session, { written }) => define(session, written(TWELFTH_META_TABLES)),
];

const AUDIT_MIGRATIONS: readonly MetaMigration[] = [
  (session, { written }) => define(session, written(AUDIT_TABLES)),
  (session, { written }) => define(session, written(SEALED)),
  (session, { written }) => define(session, written(THIRD_AUDIT_TABLES)),
];

/** Where the version is stored: two databases may share a schema. */
const VERSIONS = `
CREATE TABLE IF NOT EXISTS stored_version(part TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`;

interface Migrations {
  /** Which of the databases of a schema. */
  readonly name: string;
  /** Its location, for people. */
  readonly where: string;
  readonly migrations: readonly MetaMigration[];
}

/**
 * Migrates a database to the newest version. One of several operator planes does it while the
 * others wait; it is done completely or not at all. Rejects with STORE_UNAVAILABLE for a database
 * of a newer version.
 */
async function migrate(
  database: MetaDatabase,
  { name, where, migrations }: Migrations,
): Promise<void> {
  const known = migrations.length;
  await database.transaction(async (session) => {
    await define(session, database.written(VERSIONS));
    const row = await session.get<{ version: number }>(
      'SELECT version FROM stored_version WHERE part = ?',
      name,
    );
    const found = row?.version ?? 0;
    if (found === known) return;
    if (found > known) {
      throw newerVersion(where, {
        found,
        known,
        remedy: 'restore the copy that was made before the upgrade',
      });
    }
    for (const bring of migrations.slice(found)) await bring(session, database);
    await session.run(
      `INSERT INTO stored_version(part, version) VALUES(?, ?)
         ON CONFLICT(part) DO UPDATE SET version = excluded.version`,
      name,
      known,
    );
  });
}

/** Rows had no seal at first; those remain without one. */
const SEALED = 'ALTER TABLE audit ADD COLUMN seal TEXT;';

async function define(session: MetaSession, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await session.run(statement);
}

/** Jobs had no orderer at first. The rights of an older one are unknown, so it ends and is purged later. */
const ORDERER = `
UPDATE job_item SET state = 'cancelled' WHERE state = 'waiting';
UPDATE job SET state = 'cancelled', ended = created WHERE state = 'running';
ALTER TABLE job ADD COLUMN orderer TEXT NOT NULL DEFAULT '{"name":"","via":"local","roles":[],"permissions":[]}';
ALTER TABLE job ADD COLUMN why TEXT;
`;

async function hasColumn(
  session: MetaSession,
  { shared }: Dialect,
  ...[table, column]: readonly [table: string, column: string]
): Promise<boolean> {
  const sql = shared
    ? 'SELECT 1 FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = ? AND column_name = ?'
    : 'SELECT 1 FROM pragma_table_info(?) WHERE name = ?';
  return (await session.get(sql, table, column)) !== undefined;
}
