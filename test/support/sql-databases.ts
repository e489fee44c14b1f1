import { globSync, readFileSync } from 'node:fs';
import { appendFile, chown, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { expect, vi } from 'vitest';
import { SECRET_MARKER } from '../contract/marker.ts';
import { type Certificates, certificates } from './certificates.ts';
import { hasMaria, startMaria } from './maria.ts';
import type { OpenOptions } from './open-adapter.ts';
import { postgresPrograms, startPostgres } from './postgres.ts';
import {
  MYSQL_WORDS,
  ORACLE_WORDS,
  POSTGRES_WORDS,
  SQLSERVER_WORDS,
  type SqlWords,
} from './sql-words.ts';
import { tcpGate } from './tcp-gate.ts';
import { type PeerOptions, SqlServerPeer } from './tds/sql-server-peer.ts';

/** A database server of a test file, with TLS, and an account `clinic` that owns the database `clinic`. */
export interface SqlDatabase extends AsyncDisposable {
  readonly product: 'postgresql' | 'mysql' | 'sqlserver' | 'sqlite' | 'odbc' | 'oracle';
  readonly words: SqlWords;
  readonly port: number;
  readonly certificates: Certificates;
  readonly options: OpenOptions;
  /** Settings for connecting over a port of localhost. */
  given(port?: number): Readonly<Record<string, unknown>>;
  /** A proxy to it that can be paused and broken. */
  gate(): Promise<DatabaseGate>;
  /** Runs statements in the database as an administrator, and returns the rows of the last. */
  ask(...statements: readonly string[]): Promise<readonly Record<string, unknown>[]>;
  /** Makes the server present another certificate to new connections. */
  show(which: 'good' | 'expired'): Promise<void>;
  /** Makes an account `holder` that signs in with the certificate `client` and without a password, if supported. */
  allowCertificate?(): Promise<void>;
  /** Makes the procedure of `words.procedure`. */
  makeProcedure(table: string): Promise<void>;
  /** From now on a table refuses everything: temporarily, or because of a constraint. */
  refuse(table: string, how: 'temporary' | 'final'): Promise<void>;
  /** Running statements of the account. */
  running(): Promise<readonly unknown[]>;
  /** Ends the server like a crash. */
  crash(): void;
  /** Pauses the server completely, until `goOn`. */
  hold(): void | Promise<void>;
  goOn(): void;
}

/** Between an adapter and its database. */
export interface DatabaseGate extends AsyncDisposable {
  /** Settings for reaching the database through it. */
  readonly given: Readonly<Record<string, unknown>>;
  /** From now on nothing is answered, until `resume`. */
  pause(): void;
  resume(): void;
  /** The database is unreachable, and open connections are cut, until `open`. */
  shut(): Promise<void>;
  open(): Promise<void>;
}

export const USER = 'clinic';

export function described(
  product: Exclude<SqlDatabase['product'], 'sqlite' | 'odbc'>,
  port: number,
  made: Certificates,
): Pick<SqlDatabase, 'product' | 'words' | 'port' | 'certificates' | 'options' | 'given' | 'gate'> {
  const given = (at = port): Readonly<Record<string, unknown>> => ({
    product,
    connect: `localhost:${at}`,
    database: 'clinic',
    credential: 'clinic',
    tls: { trust: made.trust },
  });
  return {
    product,
    words: {
      postgresql: POSTGRES_WORDS,
      mysql: MYSQL_WORDS,
      sqlserver: SQLSERVER_WORDS,
      oracle: ORACLE_WORDS,
    }[product],
    port,
    certificates: made,
    options: {
      credentials: {
        clinic: { kind: 'basic', user: USER, password: SECRET_MARKER },
        wrong: { kind: 'basic', user: USER, password: 'wrong' },
        client: made.client,
      },
    },
    given,
    async gate() {
      const gate = await tcpGate(port);
      return { ...gate, given: given(gate.port) };
    },
  };
}

/** Undefined if the server is not installed. */
export async function postgresDatabase(): Promise<SqlDatabase | undefined> {
  const programs = await postgresPrograms();
  if (programs === undefined) return undefined;
  const made = await certificates();
  const server = await startPostgres(programs);
  const url = new URL(server.url);
  const folder = await mkdtemp(join(tmpdir(), 'waybill-postgres-tls-'));
  const asked = async (
    database: string,
    ...statements: readonly string[]
  ): Promise<readonly Record<string, unknown>[]> => {
    const client = new Client({ connectionString: new URL(`/${database}`, server.url).href });
    await client.connect();
    try {
      let rows: readonly Record<string, unknown>[] = [];
      for (const one of statements) ({ rows } = await client.query<Record<string, unknown>>(one));
      return rows;
    } finally {
      await client.end();
    }
  };
  const [found] = await asked('postgres', "SELECT current_setting('data_directory') AS data");
  const data = String(found?.['data']);
  const { uid, gid } = await stat(data);
  await chown(folder, uid, gid);
  for (const [name, content] of [
    ['server.pem', made.server.certificate],
    ['server.key', made.server.key],
    ['ca.pem', made.authority.certificate],
  ] as const) {
    await writeFile(join(folder, name), content, { mode: 0o600 });
    await chown(join(folder, name), uid, gid);
  }
  await asked(
    'postgres',
    `CREATE ROLE clinic LOGIN PASSWORD '${SECRET_MARKER}'`,
    'CREATE DATABASE clinic OWNER clinic',
    `ALTER SYSTEM SET ssl_cert_file = '${folder}/server.pem'`,
    `ALTER SYSTEM SET ssl_key_file = '${folder}/server.key'`,
    `ALTER SYSTEM SET ssl_ca_file = '${folder}/ca.pem'`,
    'ALTER SYSTEM SET ssl = on',
    'SELECT pg_reload_conf()',
  );
  const ask: SqlDatabase['ask'] = (...statements) =>
    asked('clinic', 'SET ROLE clinic', ...statements);
  return {
    ...described('postgresql', Number(url.port), made),
    ask,
    async makeProcedure(table) {
      await ask(...(POSTGRES_WORDS.procedure(table)?.make ?? []));
    },
    async refuse(table, how) {
      const state = how === 'temporary' ? '40001' : '23514';
      await ask(
        `CREATE FUNCTION refuse_${table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no' USING ERRCODE = '${state}'; END $$`,
        `CREATE TRIGGER refuse BEFORE INSERT ON ${table} EXECUTE FUNCTION refuse_${table}()`,
      );
    },
    running: () =>
      ask("SELECT query FROM pg_stat_activity WHERE usename = 'clinic' AND state = 'active'"),
    async show(which) {
      const { certificate, key } = which === 'good' ? made.server : made.expiredServer;
      await writeFile(join(folder, 'server.pem'), certificate);
      await writeFile(join(folder, 'server.key'), key);
      await asked('postgres', 'SELECT pg_reload_conf()');
      await sleep(200);
    },
    async allowCertificate() {
      const hba = join(data, 'pg_hba.conf');
      const map = join(data, 'pg_ident.conf');
      await appendFile(map, '\nholders "client-a" holder\n');
      const rule = 'hostssl all holder all cert map=holders\n';
      await writeFile(hba, rule + (await readFile(hba, 'utf8')));
      await asked('postgres', 'CREATE ROLE holder LOGIN', 'SELECT pg_reload_conf()');
      await sleep(200);
    },
    crash: () => server.process.kill('SIGQUIT'),
    async hold() {
      for (const child of childrenOf(server.process.pid)) await standStill(child);
      await standStill(server.process.pid ?? 0);
    },
    goOn() {
      const { pid = 0 } = server.process;
      for (const one of [...childrenOf(pid), pid]) process.kill(one, 'SIGCONT');
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
      await made[Symbol.asyncDispose]();
    },
  };
}

/** PostgreSQL has a process for each connection. */
const childrenOf = (pid: number | undefined): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);

/** Stops a process, and waits until each of its threads has been: one at work goes on for a moment. */
async function standStill(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  await vi.waitFor(() => {
    const states = globSync(`/proc/${pid}/task/*/stat`).map(
      (file) => /\) (\w) /.exec(readFileSync(file, 'utf8'))?.[1],
    );
    expect(new Set(states)).toEqual(new Set(['T']));
  });
}

/** Undefined if the server is not installed. */
export async function mariaDatabase(): Promise<SqlDatabase | undefined> {
  if (!(await hasMaria())) return undefined;
  const made = await certificates();
  const server = await startMaria(made.server, made.authority.certificate);
  await server.ask(
    `CREATE USER clinic@'%' IDENTIFIED BY '${SECRET_MARKER}'`,
    'CREATE DATABASE clinic',
    "GRANT ALL ON clinic.* TO clinic@'%'",
  );
  const ask: SqlDatabase['ask'] = (...statements) => server.ask('USE clinic', ...statements);
  return {
    ...described('mysql', server.port, made),
    ask,
    async makeProcedure(table) {
      await ask(...(MYSQL_WORDS.procedure(table)?.make ?? []));
    },
    async refuse(table, how) {
      const [state, number] = how === 'temporary' ? ['40001', 1213] : ['23000', 4025];
      await ask(
        `CREATE TRIGGER refuse_${table} BEFORE INSERT ON ${table} FOR EACH ROW SIGNAL SQLSTATE '${state}' SET MYSQL_ERRNO = ${number}`,
      );
    },
    running: () =>
      ask(
        "SELECT info FROM information_schema.processlist WHERE user = 'clinic' AND command IN ('Query', 'Execute')",
      ),
    async show(which) {
      const { certificate, key } = which === 'good' ? made.server : made.expiredServer;
      await writeFile(join(server.folder, 'server.pem'), certificate);
      await writeFile(join(server.folder, 'server.key'), key);
      await server.ask('FLUSH SSL');
    },
    async allowCertificate() {
      await server.ask(
        "CREATE USER holder@'%' REQUIRE SUBJECT '/CN=client-a'",
        "GRANT ALL ON clinic.* TO holder@'%'",
      );
    },
    crash: () => server.process.kill('SIGKILL'),
    hold: () => standStill(server.process.pid ?? 0),
    goOn: () => server.process.kill('SIGCONT'),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await made[Symbol.asyncDispose]();
    },
  };
}

/** What the tests of the protocol need in addition. */
export interface PeerDatabase extends SqlDatabase {
  readonly peer: SqlServerPeer;
}

/** A peer that speaks SQL Server's protocol, since the server itself is not available to the tests. */
export async function sqlServerDatabase(more: Partial<PeerOptions> = {}): Promise<PeerDatabase> {
  const made = await certificates();
  const peer = await SqlServerPeer.start({
    certificate: made.server,
    accounts: { [USER]: SECRET_MARKER },
    databases: ['clinic'],
    ...more,
  });
  const ask: SqlDatabase['ask'] = (...statements) => peer.ask(...statements);
  return {
    ...described('sqlserver', peer.port, made),
    peer,
    ask,
    async makeProcedure(table) {
      peer.procedures.set(`put_${table}`, {
        parameters: ['a', 'b', 'next'],
        statements: [`INSERT INTO ${table} VALUES (@a, @b)`],
        outputs: { next: '@a + 1' },
      });
    },
    async refuse(table, how) {
      const text = new RegExp(`INSERT INTO ${table}\\b`);
      const [number, message] =
        how === 'temporary'
          ? [1205, 'Transaction (Process ID 52) was deadlocked on lock resources.']
          : [547, 'The INSERT statement conflicted with the CHECK constraint "no".'];
      peer.fail(text, number, message, Number.POSITIVE_INFINITY);
    },
    running: async () => [...peer.running],
    async show(which) {
      peer.show(which === 'good' ? made.server : made.expiredServer);
    },
    crash: () => peer.crash(),
    hold: () => peer.hold(),
    goOn: () => peer.goOn(),
    async [Symbol.asyncDispose]() {
      await peer[Symbol.asyncDispose]();
      await made[Symbol.asyncDispose]();
    },
  };
}

/** For tests that are skipped if there is none. */
export function theDatabase<Database extends SqlDatabase>(
  found: Database | undefined,
): () => Database {
  return () => {
    if (found === undefined) throw new Error('the server is not installed');
    return found;
  };
}
