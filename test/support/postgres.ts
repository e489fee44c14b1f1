import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chown, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { freePort } from '../../sandbox/free-port.ts';

const run = promisify(execFile);

export interface PostgresServer extends AsyncDisposable {
  readonly url: string;
  readonly process: ChildProcess;
}

/** The folder of the newest server's programs in Debian; undefined if none is installed. */
export async function postgresPrograms(): Promise<string | undefined> {
  const root = '/usr/lib/postgresql';
  const versions = await readdir(root).catch(() => []);
  const newest = versions
    .map(Number)
    .filter(Number.isInteger)
    .toSorted((a, b) => b - a)[0];
  return newest === undefined ? undefined : join(root, String(newest), 'bin');
}

/** A separate PostgreSQL on a free loopback port, with a random password and without persistent data. */
export async function startPostgres(programs: string): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-postgres-'));
  const account = await serverAccount();
  const password = randomBytes(16).toString('hex');
  const secret = join(folder, 'password');
  await writeFile(secret, password);
  if (account !== undefined) {
    for (const path of [folder, secret]) await chown(path, account.uid, account.gid);
  }
  const data = join(folder, 'data');
  await run(
    join(programs, 'initdb'),
    ['-D', data, '-U', 'waybill', '-A', 'scram-sha-256', `--pwfile=${secret}`, '-N', '-E', 'UTF8'],
    { cwd: folder, env: { LC_ALL: 'C.UTF-8' }, ...account },
  );
  const port = await freePort();
  const server = spawn(
    join(programs, 'postgres'),
    ['-D', data, '-h', '127.0.0.1', '-p', String(port), '-k', '', '-F'],
    { cwd: folder, stdio: 'ignore', ...account },
  );
  const url = `postgres://waybill:${password}@127.0.0.1:${port}/postgres`;
  await answers(url);
  return {
    url,
    process: server,
    async [Symbol.asyncDispose]() {
      // a test may have ended it
      if (server.exitCode === null && server.signalCode === null) {
        const ended = once(server, 'exit');
        // fast shutdown: does not wait for clients
        server.kill('SIGINT');
        await ended;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Waits until the server answers, at most 20 s. */
async function answers(url: string): Promise<void> {
  for (const end = Date.now() + 20_000; ; await sleep(100)) {
    const client = new Client({ connectionString: url });
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      // it is still starting
      if (Date.now() > end) throw error;
    }
  }
}

/** PostgreSQL refuses to run as root, so its own account is used. */
async function serverAccount(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = await Promise.all(['-u', '-g'].map((flag) => run('id', [flag, 'postgres'])));
  return { uid: Number(uid?.stdout), gid: Number(gid?.stdout) };
}
