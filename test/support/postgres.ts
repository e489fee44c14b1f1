import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
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
  if (account !== undefined) await chown(folder, account.uid, account.gid);
  const empty = await emptyServer(programs, account);
  await run('cp', ['-a', join(empty, 'data'), join(empty, 'password'), folder]);
  const data = join(folder, 'data');
  const password = await readFile(join(folder, 'password'), 'utf8');
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

type Account = { readonly uid: number; readonly gid: number } | undefined;

const CACHE = join(import.meta.dirname, '../../node_modules/.cache/postgres');

/**
 * The folder of a server that nobody has used, to be copied, with its password: `initdb` costs ten
 * times the processor time of a copy. Made once for each version and kept.
 */
async function emptyServer(programs: string, account: Account): Promise<string> {
  const { stdout: version } = await run(join(programs, 'postgres'), ['--version']);
  const kept = join(CACHE, `${version.replace(/\W+/g, '-')}${account?.uid ?? 'own'}`);
  if (existsSync(kept)) return kept;
  const folder = await mkdtemp(join(tmpdir(), 'waybill-postgres-empty-'));
  const [to, secret] = [join(folder, 'data'), join(folder, 'password')];
  await writeFile(secret, randomBytes(16).toString('hex'));
  if (account !== undefined) {
    for (const path of [folder, secret]) await chown(path, account.uid, account.gid);
  }
  await run(
    join(programs, 'initdb'),
    ['-D', to, '-U', 'waybill', '-A', 'scram-sha-256', `--pwfile=${secret}`, '-N', '-E', 'UTF8'],
    { cwd: folder, env: { LC_ALL: 'C.UTF-8' }, ...account },
  );
  await mkdir(CACHE, { recursive: true });
  // on the same disk, so that a kept one is whole
  const made = await mkdtemp(join(CACHE, 'made-'));
  await run('cp', ['-a', to, secret, made]);
  await rm(folder, { recursive: true });
  try {
    await rename(made, kept);
  } catch (error) {
    // another worker was faster
    if (!existsSync(kept)) throw error;
    await rm(made, { recursive: true });
  }
  return kept;
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
export async function serverAccount(): Promise<Account> {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = await Promise.all(['-u', '-g'].map((flag) => run('id', [flag, 'postgres'])));
  return { uid: Number(uid?.stdout), gid: Number(gid?.stdout) };
}
