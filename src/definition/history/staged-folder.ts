import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, sep } from 'node:path';
import { EngineError } from '../../error/engine-error.ts';
import { isSystemError } from '../../error/foreseen.ts';

/** Path below the production's folder, with `/` → what it is to hold; undefined where it is not to be there. */
export type Contents = ReadonlyMap<string, Uint8Array | undefined>;

/**
 * A production's folder as it would be with some files changed: a folder of its own, in which everything else is a link
 * to the real one. It always has the same path, so that two states of it can be compared.
 */
export interface StagedFolder extends AsyncDisposable {
  readonly path: string;
  /** Forgets what was there before. */
  hold(contents: Contents): Promise<void>;
}

export async function stagedFolder(folder: string): Promise<StagedFolder> {
  const path = await mkdtemp(join(tmpdir(), 'waybill-staged-'));
  const clear = (): Promise<void> => rm(path, { recursive: true, force: true });
  return {
    path,
    async hold(contents) {
      for (const one of contents.keys()) checkBelow(one);
      for (const name of await readdir(path))
        await rm(join(path, name), { recursive: true, force: true });
      await mirror(folder, path, [...contents.keys()]);
      for (const [name, bytes] of contents) {
        if (bytes === undefined) continue;
        await mkdir(dirname(join(path, name)), { recursive: true });
        await writeFile(join(path, name), bytes);
      }
    },
    [Symbol.asyncDispose]: clear,
  };
}

/** Links to all that is in a folder, except what is not wanted. */
async function mirror(from: string, to: string, without: readonly string[]): Promise<void> {
  const entries = await readdir(from).catch((error: unknown) => {
    // a folder that a new file is to make
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  });
  for (const name of entries) {
    if (without.includes(name)) continue;
    const below = without.flatMap((one) =>
      one.startsWith(`${name}/`) ? [one.slice(name.length + 1)] : [],
    );
    if (below.length === 0) await symlink(join(from, name), join(to, name));
    else {
      await mkdir(join(to, name));
      await mirror(join(from, name), join(to, name), below);
    }
  }
}

/** Throws CONFIG_INVALID for a path that leads out of the folder, or to what is not part of a production. */
export function checkBelow(path: string): void {
  const parts = path.split('/');
  const isPlain =
    !path.includes('\0') &&
    (sep === '/' || !path.includes(sep)) &&
    parts.every((part) => part !== '' && part !== 'node_modules' && !part.startsWith('.'));
  if (isPlain) return;
  throw new EngineError('CONFIG_INVALID', `${path} is not the path of a file of the production`);
}
