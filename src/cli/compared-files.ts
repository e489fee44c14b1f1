import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError, EngineError } from '../error/engine-error.ts';

/** Something in a folder; a link is what it leads to. */
interface Entry {
  readonly path: string;
  readonly name: string;
  readonly isFolder: boolean;
}

/** What is in a folder, by name. Throws NOT_FOUND for what cannot be read. */
export async function entriesIn(folder: string): Promise<Entry[]> {
  const found = await readable(folder, () => readdir(folder));
  const entries: Entry[] = [];
  for (const name of found.toSorted()) {
    const path = join(folder, name);
    const kind = await readable(path, () => stat(path));
    if (kind.isDirectory() || kind.isFile())
      entries.push({ path, name, isFolder: kind.isDirectory() });
  }
  return entries;
}

/** The files in a folder and in those below it. */
export async function filesBelow(folder: string, above: readonly string[] = []): Promise<string[]> {
  const own = await readable(folder, () => realpath(folder));
  // a link to a folder that it is in
  if (above.includes(own)) return [];
  const files: string[] = [];
  for (const { path, isFolder } of await entriesIn(folder)) {
    if (isFolder) files.push(...(await filesBelow(path, [...above, own])));
    else files.push(path);
  }
  return files;
}

/** What fits into one text of JavaScript, with room for what is made of it. */
const LONGEST = 256 * 1024 * 1024;

export async function contentOf(file: string): Promise<Buffer> {
  const { size } = await readable(file, () => stat(file));
  if (size > LONGEST)
    throw new EngineError(
      'QUERY_INVALID',
      `${file} is larger than 256 MB: divide it into files of fewer messages`,
    );
  return readable(file, () => readFile(file));
}

function readable<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  return work().catch((error: unknown) => {
    const { text } = describeError(error);
    throw new EngineError('NOT_FOUND', `${path} cannot be read: ${text}`, { cause: error });
  });
}
