import {
  type ChildProcess,
  type ChildProcessByStdio,
  execFileSync,
  spawn,
} from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { vi } from 'vitest';
import { temporaryFolder } from './temporary-folder.ts';

/** Whether Samba's winbind, which checks NTLM like Windows, is on this machine and can be started. */
export const hasNtlm: boolean =
  existsSync('/usr/sbin/winbindd') && existsSync('/usr/bin/smbpasswd') && process.getuid?.() === 0;

/** A user that exists on every Debian; its Samba password is only used in this test. */
const USER = 'games';

export interface Samba extends AsyncDisposable {
  readonly account: { readonly user: string; readonly domain: string };
  /** Judges the messages of one connection. */
  judge(): NtlmJudge;
}

/** Samba keeps an account with this password and checks the messages of NTLM. */
export async function startSamba(password: string): Promise<Samba> {
  const folder = await temporaryFolder('ntlm');
  const config = await samba(folder.path, password);
  const winbind = await startWinbind(folder.path, config);
  return {
    account: { user: USER, domain: 'LABSRV' },
    judge: () => new NtlmJudge(config),
    async [Symbol.asyncDispose]() {
      if (winbind.exitCode === null && winbind.signalCode === null) {
        const ended = once(winbind, 'exit');
        winbind.kill();
        await ended;
      }
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function samba(path: string, password: string): Promise<string> {
  const places = ['private', 'lock', 'state', 'cache', 'pid', 'ncalrpc'];
  for (const place of places) await mkdir(join(path, place));
  // The path of winbind's socket is fixed when Samba is built.
  await mkdir('/run/samba', { recursive: true });
  const config = join(path, 'smb.conf');
  await writeFile(
    config,
    `[global]
workgroup = LAB
netbios name = LABSRV
server role = standalone server
passdb backend = tdbsam
private dir = ${path}/private
lock directory = ${path}/lock
state directory = ${path}/state
cache directory = ${path}/cache
pid directory = ${path}/pid
ncalrpc dir = ${path}/ncalrpc
log file = ${path}/log.%m
bind interfaces only = yes
interfaces = lo
idmap config * : backend = tdb
idmap config * : range = 100000-199999
`,
  );
  execFileSync('smbpasswd', ['-c', config, '-a', '-s', USER], {
    input: `${password}\n${password}\n`,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  return config;
}

/** One winbind at a time on a machine: the place of its socket is fixed when Samba is built. */
const LOCK = '/run/samba/waybill-tests.lock';

async function startWinbind(path: string, config: string): Promise<ChildProcess> {
  await using log = await open(join(path, 'winbind.log'), 'a');
  const words = ['--no-fork', LOCK, '/usr/sbin/winbindd', '-s', config, '-F', '--no-process-group'];
  // another test may have its own; this one then waits for the end of that
  const child = spawn('flock', words, { stdio: ['ignore', log.fd, log.fd] });
  try {
    await vi.waitFor(
      () => {
        // that of another test would answer too
        if (!existsSync(join(path, 'pid/winbindd.pid')))
          throw new Error('winbindd did not come up');
        execFileSync('wbinfo', ['-p'], { stdio: 'ignore' });
      },
      { timeout: 40_000, interval: 50 },
    );
  } catch (error) {
    child.kill();
    throw error;
  }
  return child;
}

/** NTLM authenticates a connection: each has a helper process that keeps its challenge. */
export class NtlmJudge {
  readonly #helper: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;
  user: string | undefined;
  challenge = '';

  constructor(config: string) {
    const args = [`--configfile=${config}`, '--helper-protocol=squid-2.5-ntlmssp'];
    this.#helper = spawn('ntlm_auth', args, { stdio: ['pipe', 'pipe', 'ignore'] });
    this.#reader = createInterface({ input: this.#helper.stdout });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  async #ask(line: string): Promise<string> {
    this.#helper.stdin.write(`${line}\n`);
    const { value } = await this.#lines.next();
    return String(value);
  }

  /** The user proven by this message; otherwise `challenge` is the answer to send. */
  async judge(leg: number, message: string): Promise<string | undefined> {
    const said = await this.#ask(`${leg === 1 ? 'YR' : 'KK'} ${message}`);
    const [, word, rest = ''] = /^(\w+) ?(.*)$/.exec(said) ?? [];
    this.challenge = word === 'TT' ? ` ${rest}` : '';
    this.user = word === 'AF' ? rest : undefined;
    return this.user;
  }

  end(): void {
    this.#reader.close();
    this.#helper.kill();
  }
}
