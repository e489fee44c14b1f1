import { readFileSync } from 'node:fs';
import { appendFile, chown, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { SECRET_MARKER } from '../contract/marker.ts';
import { type Certificates, certificates } from './certificates.ts';
import { hasMaria, startMaria } from './maria.ts';
import type { OpenOptions } from './open-adapter.ts';
import { postgresPrograms, startPostgres } from './postgres.ts';

/** A database server of a test file, with TLS, and an account `clinic` that owns the database `clinic`. */
export interface SqlDatabase extends AsyncDisposable {
  readonly product: 'postgresql' | 'mysql';
  readonly port: number;
  readonly certificates: Certificates;
  readonly options: OpenOptions;
  /** Settings that reach it over a port of localhost. */
  given(port?: number): Readonly<Record<string, unknown>>;
  /** Runs statements in the database as an administrator, and gives the rows of the last. */
  ask(...statements: readonly string[]): Promise<readonly Record<string, unknown>[]>;
  /** Has the server show another certificate to who connects from now on. */
  show(which: 'good' | 'expired'): Promise<void>;
  /** Makes an account `holder` that signs in with the certificate `client` and without a password. */
  allowCertificate(): Promise<void>;
  /** Ends the server as a crash does. */
  crash(): void;
  /** Holds the server up with all that it does, until `goOn`. */
  hold(): void;
  goOn(): void;
}

export const USER = 'clinic';

function described(
  product: SqlDatabase['product'],
  port: number,
  made: Certificates,
): Pick<SqlDatabase, 'product' | 'port' | 'certificates' | 'options' | 'given'> {
  return {
    product,
    port,
    certificates: made,
    options: {
      credentials: {
        clinic: { kind: 'basic', user: USER, password: SECRET_MARKER },
        wrong: { kind: 'basic', user: USER, password: 'wrong' },
        client: made.client,
      },
    },
    given: (at = port) => ({
      product,
      connect: `localhost:${at}`,
      database: 'clinic',
      credential: 'clinic',
      tls: { trust: made.trust },
    }),
  };
}

/** Undefined where the server is not installed. */
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
  return {
    ...described('postgresql', Number(url.port), made),
    ask: (...statements) => asked('clinic', 'SET ROLE clinic', ...statements),
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
    hold: () => signalChildren(server.process.pid, 'SIGSTOP'),
    goOn: () => signalChildren(server.process.pid, 'SIGCONT'),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
      await made[Symbol.asyncDispose]();
    },
  };
}

/** PostgreSQL has a process for each connection. */
function signalChildren(pid: number | undefined, name: NodeJS.Signals): void {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  for (const child of children) process.kill(Number(child), name);
  process.kill(pid ?? 0, name);
}

/** Undefined where the server is not installed. */
export async function mariaDatabase(): Promise<SqlDatabase | undefined> {
  if (!(await hasMaria())) return undefined;
  const made = await certificates();
  const server = await startMaria(made.server, made.authority.certificate);
  await server.ask(
    `CREATE USER clinic@'%' IDENTIFIED BY '${SECRET_MARKER}'`,
    'CREATE DATABASE clinic',
    "GRANT ALL ON clinic.* TO clinic@'%'",
  );
  return {
    ...described('mysql', server.port, made),
    ask: (...statements) => server.ask('USE clinic', ...statements),
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
    hold: () => server.process.kill('SIGSTOP'),
    goOn: () => server.process.kill('SIGCONT'),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await made[Symbol.asyncDispose]();
    },
  };
}

/** For tests that are skipped where there is none. */
export function theDatabase(found: SqlDatabase | undefined): () => SqlDatabase {
  return () => {
    if (found === undefined) throw new Error('the server is not installed');
    return found;
  };
}
