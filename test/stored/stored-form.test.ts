import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditLog } from '../../src/access/audit/audit-log.ts';
import type { MetaPlace } from '../../src/access/meta/meta-database.ts';
import {
  META_MIGRATIONS,
  type MetaMigration,
  metaDatabase,
} from '../../src/access/meta/open-meta.ts';
import { apiTokens } from '../../src/access/sign-in/api-tokens.ts';
import { sessions } from '../../src/access/sign-in/sessions.ts';
import { users } from '../../src/access/sign-in/users.ts';
import { holdList } from '../../src/api/hold-list.ts';
import { savedSearchList } from '../../src/api/saved-search-list.ts';
import { database } from '../../src/database/postgres.ts';
import { alertStore } from '../../src/operator/alert/alert-store.ts';
import { jobStore } from '../../src/operator/job/stored-jobs.ts';
import { ensureSchema, MIGRATIONS } from '../../src/trace/store/postgres/schema.ts';
import { postgresTraceStore } from '../../src/trace/store/postgres/trace-store.ts';
import { DAY_MIGRATIONS, openTraceFile } from '../../src/trace/store/sqlite/schema.ts';
import { sqliteTraceStore } from '../../src/trace/store/sqlite/trace-store.ts';
import type { TraceStore } from '../../src/trace/trace-store.ts';
import { type PostgresServer, postgresPrograms, startPostgres } from '../support/postgres.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { COMPLETED, fillMeta, fillTrace, PRODUCTION, QUEUED, SUSPENDED } from './sample.ts';

const run = promisify(execFile);
const programs = await postgresPrograms();
const versions = (await readdir(import.meta.dirname)).filter((name) => /^\d/.test(name));
const AUDIT_DB = 'audit.db';
const META_DB = 'meta.db';

let server: PostgresServer | undefined;
let folder: TemporaryFolder;
let databases = 0;

beforeAll(async () => {
  folder = await temporaryFolder('stored');
  if (programs !== undefined) server = await startPostgres(programs);
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** A folder with the files of a version, as an installation has them. */
async function filesOf(version: string): Promise<string> {
  const data = join(folder.path, `${version}-${++databases}`);
  await mkdir(join(data, 'trace'), { recursive: true });
  for (const name of await readdir(join(import.meta.dirname, version))) {
    if (!name.endsWith('.db.gz')) continue;
    const file = name.replace('.gz', '');
    const bytes = gunzipSync(await readFile(join(import.meta.dirname, version, name)));
    const within = [AUDIT_DB, META_DB].includes(file) ? data : join(data, 'trace');
    await writeFile(join(within, file), bytes);
  }
  return data;
}

/** A new database, with what a version left in it. */
async function postgresOf(version?: string): Promise<string> {
  const name = `stored_${++databases}`;
  const client = new Client({ connectionString: server?.url ?? '' });
  await client.connect();
  await client.query(`CREATE DATABASE ${name}`);
  await client.end();
  const url = new URL(server?.url ?? '');
  url.pathname = `/${name}`;
  if (version !== undefined) {
    const dump = join(folder.path, `${name}.sql`);
    const kept = join(import.meta.dirname, version, 'postgres.sql.gz');
    await writeFile(dump, gunzipSync(await readFile(kept)));
    await run(join(programs ?? '', 'psql'), ['-q', '-f', dump, url.href]);
  }
  return url.href;
}

async function expectMeta(place: MetaPlace): Promise<void> {
  await using meta = await metaDatabase(place);
  expect(await users(meta).list()).toMatchObject([{ name: 'Anna', scope: ['host:ward'] }]);
  // it began long ago
  expect((await sessions(meta).latest('anna'))?.via).toBe('local');
  expect(await apiTokens(meta).list()).toMatchObject([{ label: 'script', user: 'Anna' }]);
  expect(await savedSearchList(meta).list('Anna')).toMatchObject([{ name: 'mine' }]);
  expect(await holdList(meta).list(2)).toMatchObject([{ sessionId: 5, reason: 'why' }]);
  expect(await jobStore(meta).list(5)).toMatchObject([{ total: 2, done: 1, by: 'Anna' }]);
  expect(await alertStore(meta).list({ ended: false, limit: 5 })).toMatchObject([
    { object: 'host ward', comments: [{ text: 'they call back' }] },
  ]);
  await using audit = await auditLog(place);
  expect(await audit.verify()).toMatchObject({ rows: 3, broken: undefined });
  expect(await audit.list({ searched: '4711' })).toHaveLength(3);
  const entry = { actor: { name: 'Anna', via: 'local' }, ip: '::1', action: 'message.view' };
  await audit.record({ ...entry, object: 'message 4', outcome: 'done' });
  expect(await audit.verify()).toMatchObject({ rows: 4, broken: undefined });
}

async function expectTrace(store: TraceStore): Promise<void> {
  const found = await store.find({ search: { mrn: 'M1' } });
  expect(found.items.map(({ id }) => id)).toContain(COMPLETED.derived);
  expect((await store.session(COMPLETED.root))?.messages).toMatchObject([
    { status: 'completed', source: 'adt-in' },
    { status: 'completed', target: 'ward', attempts: 1 },
  ]);
  const body = await store.body(COMPLETED.root);
  expect(Buffer.from(body?.bytes ?? []).toString()).toContain('PID|1||M1^^^MAIN^MR');
  expect(await store.message(SUSPENDED.derived)).toMatchObject({
    status: 'suspended',
    error: { code: 'PEER_REFUSED' },
  });
  expect(await store.openMessages('ward')).toMatchObject([{ id: QUEUED.derived }]);
  await store.apply([QUEUED.outcome]);
  expect(await store.message(QUEUED.derived)).toMatchObject({ status: 'completed' });
  expect(await store.orphans()).toBe(0);
  const keep = { now: Date.UTC(2026, 5), keep: 86_400_000 };
  expect((await store.purge(keep)).keptSessions).toBe(2);
  expect(await store.message(COMPLETED.derived)).toMatchObject({ status: 'completed' });
}

/** Tables with their columns and indexes, however they came to be. */
function formOf(path: string): Record<string, unknown> {
  const db = new DatabaseSync(path);
  const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
  const form = tables.map(({ name }) => [
    String(name),
    {
      columns: db.prepare('SELECT name, type, "notnull", pk FROM pragma_table_info(?)').all(name!),
      indexes: db
        .prepare('SELECT name, "unique", partial FROM pragma_index_list(?) ORDER BY name')
        .all(name!),
    },
  ]);
  db.close();
  return Object.fromEntries(form) as Record<string, unknown>;
}

async function postgresForm(url: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const columns = await client.query(
    `SELECT table_schema, table_name, column_name, data_type, is_nullable FROM information_schema.columns
       WHERE table_schema LIKE 'waybill%' AND table_name !~ '_\\d{8}$' ORDER BY 1, 2, 3`,
  );
  const indexes = await client.query(
    `SELECT schemaname, tablename, replace(indexdef, 'ONLY ', '') AS written FROM pg_indexes
       WHERE schemaname LIKE 'waybill%' AND tablename !~ '_\\d{8}$' ORDER BY 1, 2, 3`,
  );
  await client.end();
  return [columns.rows, indexes.rows];
}

test('the databases of this version are among those that are kept', async () => {
  const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
  expect(versions, 'run test/stored/make.ts').toContain(version);
});

describe.each(versions)('what version %s has written', (version) => {
  test('opens in SQLite with all that was in it, in the form of a new one', async () => {
    const data = await filesOf(version);
    const fresh = join(folder.path, `fresh-${++databases}`);
    await mkdir(join(fresh, 'trace'), { recursive: true });
    await expectMeta({ data });
    await fillMeta({ data: fresh });
    const trace = join('trace', '2026-03-10.db');
    const store = sqliteTraceStore({ folder: join(data, 'trace') });
    await store.session(COMPLETED.root);
    const made = sqliteTraceStore({ folder: join(fresh, 'trace') });
    await fillTrace(made);
    await made.close();
    for (const file of [META_DB, AUDIT_DB, trace, join('trace', 'held.db')]) {
      expect(formOf(join(data, file)), file).toEqual(formOf(join(fresh, file)));
    }
    await expectTrace(store);
    await store.close();
  });

  test.skipIf(programs === undefined)(
    'opens in PostgreSQL with all that was in it, in the form of a new one',
    async () => {
      const [url, fresh] = [await postgresOf(version), await postgresOf()];
      const shared = { url, production: PRODUCTION };
      await expectMeta({ data: folder.path, shared });
      await fillMeta({ data: folder.path, shared: { ...shared, url: fresh } });
      const store = await postgresTraceStore(shared);
      const made = await postgresTraceStore({ ...shared, url: fresh });
      await made.close();
      expect(await postgresForm(url)).toEqual(await postgresForm(fresh));
      await expectTrace(store);
      await store.close();
    },
  );
});

const places = [
  ['SQLite', true],
  ['PostgreSQL', programs !== undefined],
] as const;

describe.each(places)('a change of the form, in %s', (name, here) => {
  const placeOf = async (): Promise<MetaPlace> =>
    name === 'SQLite'
      ? { data: await filesOf(versions[0] ?? '') }
      : {
          data: folder.path,
          shared: { url: await postgresOf(versions[0]), production: PRODUCTION },
        };
  const toCome: readonly MetaMigration[] = [
    ...META_MIGRATIONS,
    async (session) => {
      await session.run('CREATE TABLE times(n INTEGER NOT NULL)');
      await session.run('ALTER TABLE "user" ADD COLUMN ward TEXT');
    },
    async (session) => {
      await session.run('INSERT INTO times VALUES(1)');
    },
  ];

  test.skipIf(!here)('is made once, however many begin at once', async () => {
    const place = await placeOf();
    const opened = await Promise.all(Array.from({ length: 6 }, () => metaDatabase(place, toCome)));
    const counted = await opened[0]?.get<{ n: number }>('SELECT count(*) AS n FROM times');
    await Promise.all(opened.map((one) => one.close()));
    expect(counted?.n).toBe(1);
  });

  test.skipIf(!here)(
    'that dies in the middle has not begun, and is made the next time',
    async () => {
      const place = await placeOf();
      const died = run(process.execPath, [
        '--conditions=waybill-source',
        join(import.meta.dirname, 'killed-migration.ts'),
        'meta',
        JSON.stringify(place),
      ]);
      await expect(died).rejects.toMatchObject({ signal: 'SIGKILL' });
      await expectMeta(place);
      await using next = await metaDatabase(place, toCome);
      expect(await next.get('SELECT name, ward FROM "user"')).toEqual({ name: 'Anna', ward: null });
      await expect(next.get('SELECT half FROM "user"')).rejects.toThrow(
        name === 'SQLite' ? 'no such column' : '42703',
      );
    },
  );

  test.skipIf(!here)('by a newer version is refused in words, and nothing is changed', async () => {
    const place = await placeOf();
    await (await metaDatabase(place, toCome)).close();
    await expect(metaDatabase(place)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      retryable: false,
      message: expect.stringMatching(
        `meta.* was written by a newer version of Waybill \\(its schema is number ${toCome.length}, this version knows ${META_MIGRATIONS.length}\\): run that version again, or restore the copy`,
      ),
    });
    await using again = await metaDatabase(place, toCome);
    expect((await again.get<{ n: number }>('SELECT count(*) AS n FROM times'))?.n).toBe(1);
  });
});

describe('a change of the form of the trace', () => {
  test('of a file that dies in the middle has not begun, and is made the next time', async () => {
    const data = await filesOf(versions[0] ?? '');
    const path = join(data, 'trace', '2026-03-10.db');
    const died = run(process.execPath, [
      '--conditions=waybill-source',
      join(import.meta.dirname, 'killed-migration.ts'),
      'trace',
      path,
    ]);
    await expect(died).rejects.toMatchObject({ signal: 'SIGKILL' });
    const store = sqliteTraceStore({ folder: join(data, 'trace') });
    await expectTrace(store);
    await store.close();
  });

  test('by a newer version is refused in words: which file, and what to do', async () => {
    const data = await filesOf(versions[0] ?? '');
    const path = join(data, 'trace', '2026-03-10.db');
    const { db } = openTraceFile(path, 'day', [
      ...DAY_MIGRATIONS,
      (file) => file.exec('ALTER TABLE message ADD COLUMN ward TEXT'),
    ]);
    db.close();
    expect(() => sqliteTraceStore({ folder: join(data, 'trace') })).toThrow(
      /the trace file .*2026-03-10\.db was written by a newer version of Waybill .*: run that version again, or move the trace folder away/,
    );
  });

  test.skipIf(programs === undefined)(
    'in PostgreSQL takes as long as it needs, and is told before it begins',
    async () => {
      const url = await postgresOf(versions[0]);
      const client = new Client({ connectionString: url });
      await client.connect();
      // an index over 10^8 messages takes minutes
      await client.query(`
        CREATE FUNCTION has_time() RETURNS event_trigger LANGUAGE plpgsql AS $$
          BEGIN
            IF current_setting('statement_timeout')::interval < '1 hour' THEN RAISE 'no time'; END IF;
          END $$;
        CREATE EVENT TRIGGER has_time ON ddl_command_start WHEN TAG IN ('CREATE INDEX', 'ALTER TABLE')
          EXECUTE FUNCTION has_time()`);
      await client.end();
      const changes: unknown[] = [];
      const onMigration = (change: unknown) => changes.push(change);
      const options = { url, production: PRODUCTION, onMigration };
      await (await postgresTraceStore(options)).close();
      expect(changes).toEqual([{ from: expect.any(Number), to: MIGRATIONS.length }]);
      await (await postgresTraceStore(options)).close();
      expect(changes).toHaveLength(1);
    },
  );

  test.skipIf(programs === undefined)('in PostgreSQL: once, or refused', async () => {
    const url = await postgresOf(versions[0]);
    const schema = `waybill_${PRODUCTION}`;
    const open = () => database({ url, schema, purpose: 'trace', connections: 1, limit: 5_000 });
    const pools = [open(), open(), open()];
    const more = [...MIGRATIONS, 'CREATE TABLE ward(name text);INSERT INTO ward VALUES(1)'];
    await Promise.all(pools.map((pool) => ensureSchema(pool, schema, { migrations: more })));
    expect(await pools[0]?.rows('SELECT * FROM ward')).toHaveLength(1);
    await Promise.all(pools.map((pool) => pool.close()));
    await expect(postgresTraceStore({ url, production: PRODUCTION })).rejects.toThrow(
      /the trace in the schema waybill_hub was written by a newer version of Waybill/,
    );
  });
});
