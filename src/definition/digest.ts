import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isSystemError, tolerate } from '../error/foreseen.ts';
import { importsOf } from './module-graph.ts';

/**
 * Hashes of the files that exist, by path: how a changed file is noticed without keeping its content. That
 * of a module stands for the modules it imports, too.
 */
export async function digests(files: Iterable<string>): Promise<ReadonlyMap<string, string>> {
  const found = await Promise.all(
    [...new Set(files)].map(async (file) => {
      const imported = [...importsOf(file)].toSorted();
      const own = await contentHash(file);
      if (own === undefined || imported.length === 0) return [file, own] as const;
      const all = await Promise.all(imported.map(contentHash));
      const hash = createHash('sha256').update([own, ...all].join('\n'));
      return [file, hash.digest('hex')] as const;
    }),
  );
  return new Map(found.flatMap(([file, hash]) => (hash === undefined ? [] : [[file, hash]])));
}

async function contentHash(file: string): Promise<string | undefined> {
  try {
    return createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
  } catch (error) {
    // removed since it was read: that is a difference
    return tolerate(error, isSystemError, 'reading a file of the production');
  }
}
