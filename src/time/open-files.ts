import { readdir, readFile } from 'node:fs/promises';

/** What a process has open: files and connections, which the system counts together. */
export interface OpenFiles {
  readonly open: number;
  /** Beyond that it can open nothing, and what connects to it is cut off by the system, without a word. */
  readonly most: number;
}

let limit: Promise<number | undefined> | undefined;

/** What this process has open; undefined on systems that do not say. */
export async function openFiles(): Promise<OpenFiles | undefined> {
  limit ??= ownLimit();
  const most = await limit;
  if (most === undefined) return undefined;
  try {
    return { open: (await readdir('/proc/self/fd')).length, most };
  } catch {
    // EMFILE: looking takes a file too
    return { open: most, most };
  }
}

async function ownLimit(): Promise<number | undefined> {
  try {
    const limits = await readFile('/proc/self/limits', 'utf8');
    const [, most] = /^Max open files +(\d+)/m.exec(limits) ?? [];
    return most === undefined ? undefined : Number(most);
  } catch {
    // another system than Linux
    return undefined;
  }
}
