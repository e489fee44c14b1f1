import { constants, existsSync } from 'node:fs';
import { copyFile, link, mkdir, readdir, readFile, readlink, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

interface Locked {
  readonly bin?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/**
 * Puts the packages and all their dependencies into `node_modules` of a folder, as installed here,
 * by hard links. Existing ones stay. npm keeps those that it would install, and removes all others.
 */
export async function linkPackages(folder: string, names: Iterable<string>): Promise<void> {
  const lock = await readFile(join(ROOT, 'package-lock.json'), 'utf8');
  const { packages } = JSON.parse(lock) as { readonly packages: Readonly<Record<string, Locked>> };
  const wanted = new Set([...names].map((name) => `node_modules/${name}`));
  for (const path of wanted) {
    const { dependencies, optionalDependencies } = packages[path] ?? {};
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const found = placesOf(name, path).find((place) => place in packages);
      if (found !== undefined) wanted.add(found);
    }
  }
  // nested ones come with their parent
  const outer = new Set([...wanted].map((path) => path.replace(/(?<=.)\/node_modules\/.*$/, '')));
  const missing = [...outer].filter((path) => !existsSync(join(folder, path)));
  await Promise.all(missing.map((path) => linkTree(join(ROOT, path), join(folder, path))));
  await linkCommands(folder, new Map(missing.map((path) => [path, packages[path]?.bin ?? {}])));
}

/** A package whose commands are not there npm installs anew, for `node` in another npm. */
async function linkCommands(
  folder: string,
  commands: ReadonlyMap<string, Readonly<Record<string, string>>>,
): Promise<void> {
  const bin = join(folder, 'node_modules/.bin');
  await mkdir(bin, { recursive: true });
  for (const [path, files] of commands) {
    for (const [name, file] of Object.entries(files)) {
      if (existsSync(join(folder, path, file)) && !existsSync(join(bin, name)))
        await symlink(relative(bin, join(folder, path, file)), join(bin, name));
    }
  }
}

/** Where a dependency of the package at `path` may be, nearest first. */
function placesOf(name: string, path: string): string[] {
  const parts = path.split('/node_modules/');
  return parts
    .map((_, at) => [...parts.slice(0, parts.length - at), name].join('/node_modules/'))
    .concat(`node_modules/${name}`);
}

async function linkTree(from: string, to: string): Promise<void> {
  const entries = await readdir(from, { withFileTypes: true }).catch((error: unknown) => {
    // for another system: in the lock file, but not installed
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  });
  if (entries.length === 0) return;
  await mkdir(dirname(to), { recursive: true });
  await mkdir(to, { recursive: true });
  for (const entry of entries) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) await linkTree(source, target);
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), target);
    else await linkFile(source, target);
  }
}

async function linkFile(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    // another file system
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    await copyFile(from, to, constants.COPYFILE_FICLONE);
  }
}
