import { dirname, posix } from 'node:path';
import { type FileStore, inFolder, isFileProblem } from './file-store.ts';
import type { MarkedFile } from './marked-files.ts';

/**
 * Moves a file to a folder, under the path it had below the folder it was found in. A name that is
 * taken there gets the time added: yesterday's file is never written over. Makes folders as needed.
 */
export async function moveAway(store: FileStore, file: MarkedFile, folder: string): Promise<void> {
  const path = inFolder(folder, file.relative);
  const names = [path, stamped(path, new Date()), stamped(path, new Date(), Math.random())];
  await removeMarker(store, file);
  for (const [index, name] of names.entries()) {
    try {
      await renameInto(store, file.path, name);
      return;
    } catch (error) {
      const last = index === names.length - 1;
      if (last || !isFileProblem(error, 'exists')) throw error;
    }
  }
}

/** Deletes a file and its marker. The marker goes first: one left behind would vouch for the next file of that name. */
export async function removeFile(store: FileStore, file: MarkedFile): Promise<void> {
  await removeMarker(store, file);
  await store.remove(file.path);
}

async function removeMarker(store: FileStore, { marker }: MarkedFile): Promise<void> {
  if (marker !== undefined) await store.remove(marker);
}

async function renameInto(store: FileStore, from: string, to: string): Promise<void> {
  try {
    await store.rename(from, to);
  } catch (error) {
    // Servers that say no more than "failure" may mean the folder: make it and see.
    if (!isFileProblem(error, 'missing', 'failed')) throw error;
    if ((await store.facts(from)) === undefined) throw error;
    await store.makeFolder(dirname(to));
    await store.rename(from, to);
  }
}

/** `lab.20261124T120000123.hl7` */
function stamped(path: string, time: Date, more?: number): string {
  const { dir, name, ext } = posix.parse(path);
  const stamp = time.toISOString().replaceAll(/[-:.Z]/g, '');
  const suffix = more === undefined ? '' : `-${more.toString(36).slice(2, 8)}`;
  return inFolder(dir, `${name}.${stamp}${suffix}${ext}`);
}
