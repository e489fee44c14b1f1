import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { isSystemError, tolerate } from '../../error/foreseen.ts';
import type { Definition } from '../definition.ts';
import { problemList } from '../problem.ts';
import { loadProduction } from '../written/load.ts';

/** Files beside those that a definition is read from: its test cases. */
const TESTS = 'production.test.yaml';

/**
 * What a person may write into a production who has no account on the machine. Code is not among it: whoever writes code
 * runs whatever they like with the rights of the engine.
 */
const EDITABLE = new Set(['.yaml', '.yml', '.csv', '.tsv']);

/** The files of a production, by their path below its folder; one outside begins with `..`. */
export function filesOf({ folder, files, credentials }: Definition): readonly string[] {
  const secret = new Set([...credentials.values()].flatMap((one) => one.files));
  const below = [...new Set(files)]
    .filter((file) => !secret.has(file))
    .map((file) => relative(folder, file).split(sep).join('/'));
  return [...new Set([...below, TESTS])].toSorted();
}

export const isEditable = (path: string): boolean =>
  EDITABLE.has(extname(path)) && path !== 'console.yaml' && !path.startsWith('data/');

/** `production.yaml` and what it includes, as it lies on disk, also before it is applied. */
export async function writtenFilesIn(
  folder: string,
  overlays: readonly string[],
): Promise<readonly string[]> {
  const loaded = await loadProduction(folder, overlays, { problems: problemList() });
  return (loaded?.files ?? []).map((file) => relative(folder, file).split(sep).join('/'));
}

/** What the files hold now; those that are not there are left out. */
export async function contentsOf(
  folder: string,
  paths: readonly string[],
): Promise<Map<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>();
  for (const path of paths) {
    const bytes = await readFile(join(folder, path)).catch((error: unknown) =>
      tolerate(error, isSystemError, 'reading a file of the production'),
    );
    if (bytes !== undefined) found.set(path, bytes);
  }
  return found;
}

/** Every YAML file below the folder that a production might include. */
export async function yamlFilesIn(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  const walk = async (below: string, depth: number): Promise<void> => {
    const entries = await readdir(join(folder, below), { withFileTypes: true });
    for (const entry of entries) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      if (entry.name.startsWith('.') || APART.has(path) || entry.name === 'node_modules') continue;
      if (entry.isDirectory() && depth < DEEPEST) await walk(path, depth + 1);
      else if (/\.ya?ml$/.test(entry.name)) found.push(path);
    }
  };
  await walk('', 0);
  return found.toSorted();
}

/** In a production's folder, but no part of it. */
const APART = new Set(['data', 'console.yaml']);
const DEEPEST = 6;
