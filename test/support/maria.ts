import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createConnection } from 'mysql2/promise';
import { freePort } from '../../sandbox/free-port.ts';
import type { CertificateCredential } from '../../src/adapter/index.ts';

const run = promisify(execFile);
const SERVER = '/usr/sbin/mariadbd';

export interface MariaServer extends AsyncDisposable {
  readonly folder: string;
  readonly port: number;
  readonly process: ChildProcess;
  /** Runs statements as the server's owner, over a separate connection, and returns the rows of the last. */
  ask(...statements: readonly string[]): Promise<readonly Record<string, unknown>[]>;
}

export const hasMaria = (): Promise<boolean> =>
  access(SERVER).then(
    () => true,
    () => false,
  );

/** A separate MariaDB on a free loopback port, without persistent data. */
export async function startMaria(
  certificate: CertificateCredential,
  authority: string,
): Promise<MariaServer> {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-maria-'));
  const isRoot = process.getuid?.() === 0;
  if (isRoot) await ownedByServer(folder);
  const data = join(folder, 'data');
  await run('mariadb-install-db', [
    '--no-defaults',
    `--datadir=${data}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
    ...(isRoot ? ['--user=mysql'] : []),
  ]);
  for (const [name, content] of [
    ['server.pem', certificate.certificate],
    ['server.key', certificate.key],
    ['ca.pem', authority],
  ] as const) {
    await writeFile(join(folder, name), content, { mode: 0o600 });
    if (isRoot) await ownedByServer(join(folder, name));
  }
  const port = await freePort();
  const server = spawn(
    SERVER,
    [
      '--no-defaults',
      `--datadir=${data}`,
      `--socket=${join(folder, 'socket')}`,
      `--pid-file=${join(folder, 'pid')}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      `--ssl-cert=${join(folder, 'server.pem')}`,
      `--ssl-key=${join(folder, 'server.key')}`,
      `--ssl-ca=${join(folder, 'ca.pem')}`,
      '--skip-name-resolve',
      '--innodb-flush-log-at-trx-commit=0',
      '--innodb-buffer-pool-size=32M',
      '--skip-log-bin',
      ...(isRoot ? ['--user=mysql'] : []),
    ],
    { cwd: folder, stdio: 'ignore' },
  );
  const ask: MariaServer['ask'] = async (...statements) => {
    const connection = await createConnection({ host: '127.0.0.1', port, user: 'root' });
    try {
      let rows: readonly Record<string, unknown>[] = [];
      for (const one of statements) {
        const [found] = await connection.query(one);
        rows = Array.isArray(found) ? (found as Record<string, unknown>[]) : [];
      }
      return rows;
    } finally {
      await connection.end();
    }
  };
  await answers(ask);
  return {
    folder,
    port,
    process: server,
    ask,
    async [Symbol.asyncDispose]() {
      if (server.exitCode === null && server.signalCode === null) {
        const ended = once(server, 'exit');
        server.kill('SIGKILL');
        await ended;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Waits until the server answers, at most 20 s. */
async function answers(ask: MariaServer['ask']): Promise<void> {
  for (const end = Date.now() + 20_000; ; await sleep(100)) {
    try {
      await ask('SELECT 1');
      return;
    } catch (error) {
      // it is still starting
      if (Date.now() > end) throw error;
    }
  }
}

/** MariaDB refuses to run as root, so its own account is used. */
async function ownedByServer(path: string): Promise<void> {
  const ids = await Promise.all(['-u', '-g'].map((flag) => run('id', [flag, 'mysql'])));
  const [uid, gid] = ids.map(({ stdout }) => Number(stdout));
  await chown(path, uid ?? 0, gid ?? 0);
}
