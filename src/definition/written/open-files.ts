import { readFile } from 'node:fs/promises';

/** Texts that an editor holds and has not saved, by absolute path: they count instead of what is on disk. */
export type OpenFiles = ReadonlyMap<string, string>;

/** The text of a file, as an editor holds it or as it is on disk. Rejects as `readFile` does. */
export async function readText(file: string, open: OpenFiles | undefined): Promise<string> {
  return open?.get(file) ?? readFile(file, 'utf8');
}
