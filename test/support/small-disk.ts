import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { temporaryFolder } from './temporary-folder.ts';

const run = promisify(execFile);

/** A file system of one megabyte. */
export interface SmallDisk extends AsyncDisposable {
  readonly path: string;
  /** Makes it read-only, or writable again. */
  lock(locked: boolean): Promise<void>;
}

/** Mounts one; undefined if this account may not. */
async function mounted(): Promise<SmallDisk | undefined> {
  const folder = await temporaryFolder('disk');
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder.path]);
  } catch {
    await folder[Symbol.asyncDispose]();
    return undefined;
  }
  return {
    path: folder.path,
    async lock(locked) {
      await run('mount', ['-o', `remount,${locked ? 'ro' : 'rw'}`, folder.path]);
    },
    async [Symbol.asyncDispose]() {
      await run('umount', [folder.path]);
      await folder[Symbol.asyncDispose]();
    },
  };
}

const trial = await mounted();
await trial?.[Symbol.asyncDispose]();

/** Whether this account may mount a file system. */
export const canMount = trial !== undefined;

export async function smallDisk(): Promise<SmallDisk> {
  const disk = await mounted();
  if (disk === undefined) throw new Error('a disk could be mounted a moment ago');
  return disk;
}
