import { stat, statfs } from 'node:fs/promises';
import { hostname } from 'node:os';

/** Bytes of the file system that a folder is on. */
export interface DiskSpace {
  /** The same for all folders of one file system. */
  readonly id: string;
  readonly free: number;
  readonly total: number;
  /** How many files it may hold, and how many more; undefined if it sets no limit. */
  readonly files?: { readonly free: number; readonly total: number } | undefined;
}

/** What this process may still write there; undefined if it cannot be told. */
export async function diskSpace(folder: string): Promise<DiskSpace | undefined> {
  try {
    const [{ bsize, bavail, blocks, files, ffree }, { dev }] = await Promise.all([
      statfs(folder),
      stat(folder),
    ]);
    return {
      id: `${hostname()} ${dev}`,
      free: bavail * bsize,
      total: blocks * bsize,
      ...(files > 0 && { files: { free: ffree, total: files } }),
    };
  } catch {
    // the folder is gone, or the file system does not say: whoever needs it fails by itself
    return undefined;
  }
}
