import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

/** Hashes of the files that exist, by path: how a changed file is noticed without keeping its content. */
export async function digests(files: Iterable<string>): Promise<ReadonlyMap<string, string>> {
  const found = await Promise.all(
    [...new Set(files)].map(async (file) => {
      try {
        const content = await readFile(file);
        return [[file, createHash('sha256').update(content).digest('hex')] as const];
      } catch {
        return [];
      }
    }),
  );
  return new Map(found.flat());
}
