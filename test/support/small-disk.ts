import { execFile } from 'node:child_process';
import { statfs } from 'node:fs/promises';
import { promisify } from 'node:util';
import { temporaryFolder } from './temporary-folder.ts';

const run = promisify(execFile);

/** A file system of its own, of one megabyte unless more is asked for. */
export interface SmallDisk extends AsyncDisposable {
  readonly path: string;
  /** Leaves no room on it, or as much as at first again. */
  fill(full: boolean): Promise<void>;
  /** Makes it read-only, or writable again. */
  lock(locked: boolean): Promise<void>;
}

const resize = (path: string, size: string) => run('mount', ['-o', `remount,size=${size}`, path]);

const FILLING = 20;

/** Mounts one; undefined if this account may not. */
async function mounted(megabytes = 1): Promise<SmallDisk | undefined> {
  const folder = await temporaryFolder('disk');
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder.path]);
  } catch {
    await folder[Symbol.asyncDispose]();
    return undefined;
  }
  return {
    path: folder.path,
    async fill(full) {
      if (!full) {
        await resize(folder.path, `${megabytes}m`);
        return;
      }
      // something may be written meanwhile
      for (let tries = 1; ; tries++) {
        const { blocks, bfree, bsize } = await statfs(folder.path);
        const isFull = await resize(folder.path, String(Math.max(1, blocks - bfree) * bsize)).then(
          () => true,
          (error: unknown) => {
            if (tries === FILLING) throw error;
            return false;
          },
        );
        if (isFull) return;
      }
    },
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

export async function smallDisk(megabytes = 1): Promise<SmallDisk> {
  const disk = await mounted(megabytes);
  if (disk === undefined) throw new Error('a disk could be mounted a moment ago');
  return disk;
}
