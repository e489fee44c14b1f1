import { constants, type Dirent, type Stats } from 'node:fs';
import {
  copyFile,
  type FileHandle,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  realpath,
  rename,
  rm,
  stat,
  unlink,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  type FileEntry,
  type FileFacts,
  type FileStore,
  inFolder,
  isFileProblem,
} from 'waybill/peer/folder';
import { diskFailure, diskProblem } from './disk-failure.ts';

const CHUNK = 256 * 1024;
/** Like 'w', but does not follow a link of that name. */
const WRITE = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
/** How many files are examined in parallel: more would only queue up for the threads. */
const AT_ONCE = 16;

/** Not 0, since empty files are not opened. */
const UNKNOWN_SIZE = 1;

export interface DiskOptions {
  /** Permissions of new files. Default: the system's. */
  readonly mode?: number | undefined;
  /** Syncs every file and its name to disk before it counts as written; `gathered`: names not before `flush`, once for all of a folder. */
  readonly sync: boolean | 'gathered';
  /** Whether a link to a file or folder counts as what it points to. It may point outside the folder. */
  readonly followLinks?: boolean;
}

/** The files of this machine: a disk, or a share that is mounted. */
export class DiskStore implements FileStore {
  /** Not where what is moved may be what a link leads to. */
  readonly readsBeside: boolean;
  readonly #options: DiskOptions;
  /** Folders in which names have changed since the last `flush`. */
  readonly #changed = new Set<string>();

  constructor(options: DiskOptions) {
    this.#options = options;
    this.readsBeside = options.followLinks !== true;
  }

  async list(folder: string): Promise<readonly FileEntry[]> {
    const found = await tried(folder, () => readdir(folder, { withFileTypes: true }));
    const entries: FileEntry[] = [];
    for (let at = 0; at < found.length; at += AT_ONCE) {
      const some = found.slice(at, at + AT_ONCE);
      const looked = await Promise.all(some.map((one) => this.#entry(folder, one)));
      entries.push(...looked.filter((one) => one !== undefined));
    }
    return entries;
  }

  async real(folder: string): Promise<string | undefined> {
    return await realpath(folder).catch(unlessGone);
  }

  async facts(path: string): Promise<FileFacts | undefined> {
    try {
      const facts = await tried(dirname(path), () => this.#stat(path));
      return facts.isFile() ? factsOf(facts) : undefined;
    } catch (error) {
      if (isFileProblem(error, 'missing')) return undefined;
      throw error;
    }
  }

  async *read(path: string, expected: FileFacts): AsyncGenerator<Uint8Array, void, undefined> {
    const folder = dirname(path);
    const noFollow = this.#options.followLinks === true ? 0 : constants.O_NOFOLLOW;
    const file = await tried(folder, () => open(path, constants.O_RDONLY | noFollow));
    try {
      for (let at = 0; at < expected.size; ) {
        const chunk = Buffer.allocUnsafe(Math.min(CHUNK, expected.size - at));
        const { bytesRead } = await tried(folder, () => file.read(chunk, 0, chunk.length, at));
        if (bytesRead === 0) throw diskProblem('changed', folder);
        at += bytesRead;
        yield chunk.subarray(0, bytesRead);
      }
      const { size, modified } = factsOf(await tried(folder, () => file.stat()));
      if (size !== expected.size || modified !== expected.modified) {
        throw diskProblem('changed', folder);
      }
    } finally {
      await file.close();
    }
  }

  async write(path: string, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    await tried(dirname(path), async () => {
      const file = await open(path, WRITE, this.#options.mode ?? 0o666);
      try {
        // The mode of `open` is reduced by the umask and has no effect on an existing file.
        if (this.#options.mode !== undefined) await file.chmod(this.#options.mode);
        await writeAll(file, body, signal);
        if (this.#options.sync) await file.sync();
      } finally {
        await file.close();
      }
    });
  }

  /** Adds a second name and removes the first: the system's rename would overwrite whatever has the name. */
  async rename(from: string, to: string): Promise<void> {
    await tried(dirname(to), async () => {
      try {
        await link(from, to);
      } catch (error) {
        return await this.#renameAnotherWay(error, from, to);
      }
      await unlink(from);
    });
    await this.#named(dirname(to));
    this.#unnamed(dirname(from));
  }

  async replace(from: string, to: string): Promise<void> {
    await tried(dirname(to), () => rename(from, to));
    await this.#named(dirname(to));
    this.#unnamed(dirname(from));
  }

  async remove(path: string): Promise<void> {
    await tried(dirname(path), () => rm(path, { force: true }));
    this.#unnamed(dirname(path));
  }

  async flush(): Promise<void> {
    const failed: unknown[] = [];
    for (const folder of this.#changed) {
      try {
        // of a folder that is gone there is nothing to keep
        await syncFolder(folder).catch(unlessMissing);
        this.#changed.delete(folder);
      } catch (error) {
        // the others can be kept
        failed.push(error);
      }
    }
    if (failed.length > 0) throw failed[0];
  }

  async makeFolder(path: string): Promise<void> {
    await tried(path, () => mkdir(path, { recursive: true }));
  }

  async #entry(folder: string, listed: Dirent): Promise<FileEntry | undefined> {
    const { name } = listed;
    const path = inFolder(folder, name);
    try {
      const facts = await this.#stat(path);
      const kind = facts.isFile() ? 'file' : facts.isDirectory() ? 'folder' : 'other';
      return { name, kind, linked: listed.isSymbolicLink(), ...factsOf(facts) };
    } catch (error) {
      // Its name is not in UTF-8: whoever opens it under the name that Node.js makes of it is told.
      if (listed.isFile() && name.includes('\uFFFD')) {
        return { name, kind: 'file', size: UNKNOWN_SIZE, modified: 0 };
      }
      // Removed since it was listed, or a link that leads nowhere. Nothing else says that it is gone: of a share that
      // fails (ESTALE, EIO), or a folder that may only be listed, what was taken would be forgotten.
      const failure = diskFailure(error, folder);
      if (listed.isSymbolicLink() || isFileProblem(failure, 'missing')) return undefined;
      throw failure;
    }
  }

  #stat(path: string): Promise<Stats> {
    return this.#options.followLinks === true ? stat(path) : lstat(path);
  }

  async #renameAnotherWay(error: unknown, from: string, to: string): Promise<void> {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') {
      // A crash between the two steps left both names: only the second step is missing.
      if (!(await isSameFile(from, to))) throw error;
      return await unlink(from);
    }
    if (code === 'EXDEV') return await this.#moveAcross(from, to);
    // File systems without hard links: the best we can do is look first.
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP') throw error;
    if ((await this.facts(to)) !== undefined) throw diskProblem('exists', dirname(to));
    await rename(from, to);
  }

  /** Onto another disk: a copy that is complete before it has its name, then the removal of the original. */
  async #moveAcross(from: string, to: string): Promise<void> {
    const half = join(dirname(to), `.${basename(to)}.part`);
    try {
      await copyFile(from, half);
      const file = await open(half, 'r+');
      try {
        await file.sync();
      } finally {
        await file.close();
      }
      await this.rename(half, to);
      // the original stays until a loss of power cannot take the copy
      if (this.#options.sync === 'gathered') await syncFolder(dirname(to));
    } catch (error) {
      await rm(half, { force: true });
      throw error;
    }
    await unlink(from);
  }

  /** There is a new name in a folder. */
  async #named(folder: string): Promise<void> {
    if (this.#options.sync === 'gathered') this.#changed.add(folder);
    else if (this.#options.sync) await syncFolder(folder);
  }

  /** A name is gone from a folder: if it is back after a loss of power, only who `flush`es forgets that it was. */
  #unnamed(folder: string): void {
    if (this.#options.sync === 'gathered') this.#changed.add(folder);
  }
}

/** The name of a file is part of its folder, which is stored separately on the disk. */
async function syncFolder(folder: string): Promise<void> {
  await tried(folder, async () => {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  });
}

function factsOf({ size, mtimeMs }: Pick<Stats, 'size' | 'mtimeMs'>): FileFacts {
  return { size, modified: mtimeMs };
}

async function writeAll(
  file: FileHandle,
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  for await (const chunk of body) {
    signal.throwIfAborted();
    let written = 0;
    while (written < chunk.byteLength) {
      const { bytesWritten } = await file.write(chunk, written);
      written += bytesWritten;
    }
  }
}

async function isSameFile(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([lstat(one), lstat(other)]);
  return a.ino === b.ino && a.dev === b.dev;
}

/** A link that was there when its folder was listed may lead nowhere by now. */
function unlessGone(error: unknown): undefined {
  return unlessMissing(diskFailure(error, ''));
}

function unlessMissing(error: unknown): undefined {
  if (!isFileProblem(error, 'missing')) throw error;
}

/** Turns node's errors into those of the store contract. */
async function tried<Value>(folder: string, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    throw diskFailure(error, folder);
  }
}
