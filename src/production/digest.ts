import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isSystemError, tolerate } from '../error/foreseen.ts';

/** Hashes of the files that exist, by path: how a changed file is noticed without keeping its content. */
export async function digests(files: Iterable<string>): Promise<ReadonlyMap<string, string>> {
  const found = await Promise.all(
    [...new Set(files)].map(async (file) => {
      try {
        const content = await readFile(file);
        return [[file, createHash('sha256').update(content).digest('hex')] as const];
      } catch (error) {
        // removed since it was read: that is a difference
        return tolerate(error, isSystemError, 'reading a file of the production') ?? [];
      }
    }),
  );
  return new Map(found.flat());
}
