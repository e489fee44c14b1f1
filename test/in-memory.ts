import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { freemem, tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive } from './support/is-alive.ts';

/**
 * Where temporary files lie on a disk: for what is about what a disk keeps. Set in the environment, since the
 * configuration is read once for each lane.
 */
export const onDisk = (): string => (process.env['WAYBILL_TEST_DISK'] ??= tmpdir());

const MEMORY = '/dev/shm';
/** Bytes that must be free: files of 100 MB and databases lie there, and the servers need memory too. */
const ROOM = 4 * 2 ** 30;

/**
 * A global setup: temporary files lie in memory where there is a file system for it, with room, from which programs may
 * be started. The tests make and remove so many that a disk costs a sixth of their processor time and most of the
 * waiting beside it: ext4 passes over each inode that was removed within the last minutes when it looks for a free one.
 */
export default function inMemory(): (() => void) | undefined {
  const disk = onDisk();
  // another lane's setup was first, or somebody chose a folder
  if (tmpdir() !== disk || process.env['TMPDIR'] !== undefined || !hasRoom()) return undefined;
  removeOld();
  const folder = mkdtempSync(join(MEMORY, `waybill-tests-${process.pid}-`));
  // servers that have an account of their own come by here
  chmodSync(folder, 0o1777);
  process.env['TMPDIR'] = folder;
  return () => {
    delete process.env['TMPDIR'];
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

/** Ends what works in the folder still: engines and servers of a test that ran into its time limit. */
function endLeft(folder: string): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      if (!words.includes(folder)) continue;
      process.kill(Number(pid), 'SIGKILL');
      process.stderr.write(`left running by a test, ended now: ${words}\n`);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // it has ended meanwhile
      if (code !== 'ENOENT' && code !== 'ESRCH') throw error;
    }
  }
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
