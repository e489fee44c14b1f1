import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { freemem, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from './support/is-alive.ts';

/** Where temporary files lie on a disk: for what is about what a disk keeps. In the environment for the workers. */
export const onDisk = (): string => (process.env['WAYBILL_TEST_DISK'] ??= tmpdir());

/** Where those of other tests lie. */
export const usual = (): string => process.env[FOLDER] ?? onDisk();

const FOLDER = 'WAYBILL_TEST_MEMORY';

const MEMORY = '/dev/shm';
/** Bytes that must be free: files of 100 MB and databases lie there, and the servers need memory too. */
const ROOM = 4 * 2 ** 30;

/**
 * A global setup: temporary files lie in memory where there is a file system for it, with room, from which programs may
 * be started. The tests make and remove so many that a disk costs a sixth of their processor time and most of the
 * waiting beside it: ext4 passes over each inode that was removed within the last minutes when it looks for a free one.
 */
export default function inMemory(): (() => Promise<void>) | undefined {
  const disk = onDisk();
  // another lane's setup was first, or somebody chose a folder
  if (tmpdir() !== disk || process.env['TMPDIR'] !== undefined || !hasRoom()) return undefined;
  removeOld();
  const folder = mkdtempSync(join(MEMORY, `waybill-tests-${process.pid}-`));
  // servers that have an account of their own come by here
  chmodSync(folder, 0o1777);
  process.env['TMPDIR'] = folder;
  process.env[FOLDER] = folder;
  return async () => {
    delete process.env['TMPDIR'];
    delete process.env[FOLDER];
    await untilEnded(folder);
    removeAll(folder);
  };
}

function hasRoom(): boolean {
  try {
    const mounts = readFileSync('/proc/mounts', 'utf8').split('\n');
    const [, , kind, options = ''] =
      mounts.map((line) => line.split(' ')).find(([, at]) => at === MEMORY) ?? [];
    const { bavail, bsize } = statfsSync(MEMORY);
    return (
      kind === 'tmpfs' &&
      !options.split(',').includes('noexec') &&
      Math.min(bavail * bsize, freemem()) > ROOM
    );
  } catch {
    // not Linux
    return false;
  }
}

/** What ends with the worker that started it, such as its browser, has a moment for it. */
async function untilEnded(folder: string): Promise<void> {
  for (let tries = 0; tries < 100 && workingIn(folder).length > 0; tries++) await sleep(50);
}

/** Ends what works in the folder still: engines and servers of a test that ran into its time limit. */
function endLeft(folder: string): void {
  for (const { pid, words } of workingIn(folder)) {
    try {
      process.kill(pid, 'SIGKILL');
      process.stderr.write(`left running by a test, ended now: ${words}\n`);
    } catch (error) {
      // it has ended meanwhile
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

/** The processes that name the folder in their arguments. */
function workingIn(folder: string): { readonly pid: number; readonly words: string }[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      const words = /^\d+$/.test(name) ? readFileSync(`/proc/${name}/cmdline`, 'utf8') : '';
      return words.includes(folder)
        ? [{ pid: Number(name), words: words.replaceAll('\0', ' ').trim() }]
        : [];
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // it has ended meanwhile
      if (code !== 'ENOENT' && code !== 'ESRCH') throw error;
      return [];
    }
  });
}

/** What a run that was killed left behind would stay in memory. */
function removeOld(): void {
  for (const name of readdirSync(MEMORY)) {
    const [, pid] = /^waybill-tests-(\d+)-/.exec(name) ?? [];
    if (pid === undefined || isAlive(Number(pid))) continue;
    removeAll(join(MEMORY, name));
  }
}

/** With the disks that tests have mounted there. */
function removeAll(folder: string): void {
  endLeft(folder);
  for (const line of readFileSync('/proc/mounts', 'utf8').split('\n')) {
    const [, at = ''] = line.split(' ');
    // whatever uses it has been ended, and may not be gone yet
    if (at.startsWith(`${folder}/`)) execFileSync('umount', ['-l', at]);
  }
  rmSync(folder, { recursive: true, force: true });
}
