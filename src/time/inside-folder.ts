import { realpath } from 'node:fs/promises';
import { dirname, relative, sep } from 'node:path';
import { isSystemError, tolerate } from '../error/foreseen.ts';

/** Whether a file lies, or would lie, below a folder, whatever links there are on the way. */
export async function isInside(folder: string, file: string): Promise<boolean> {
  const root = await realpath(folder);
  let there = file;
  for (;;) {
    const real = await realpath(there).catch((error: unknown) =>
      tolerate(error, (one) => isSystemError(one, 'ENOENT'), 'looking where a file lies'),
    );
    if (real !== undefined) {
      const way = relative(root, real);
      return way !== '..' && !way.startsWith(`..${sep}`);
    }
    there = dirname(there);
  }
}
