import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { cp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

const isBuilt = import.meta.filename.endsWith('.js');
const root = join(import.meta.dirname, isBuilt ? '../../..' : '../..');

/** A file or folder that ships with Waybill, in a clone or in the package. */
export const packaged = (path: string): string => join(root, path);

interface PackageJson {
  readonly version: string;
  /** Package → version of what only the sandbox or some sites need. */
  readonly peerDependencies: Readonly<Record<string, string>>;
}

/** Waybill's own package.json. */
export const packageJson = (): PackageJson =>
  JSON.parse(readFileSync(packaged('package.json'), 'utf8')) as PackageJson;

/** The built console, in the package or in a clone. */
export const consoleFolder = (): string => packaged('dist/console');

/**
 * Builds the console in a clone that has none yet, or whose files are newer than it, as after a
 * `git pull`; takes some seconds. The package contains it.
 */
export async function ensureConsole(say: (text: string) => void): Promise<void> {
  const vite = packaged('node_modules/.bin/vite');
  const built = builtAt();
  if (isBuilt || !existsSync(vite) || (built !== undefined && !isNewer(built))) return;
  say(built === undefined ? 'building the console, once …' : 'building the console anew …');
  // if two processes start at once, neither serves half of it
  const own = packaged(`dist/console-${process.pid}`);
  // loaded now: the package has nothing to build
  const { builtConsole } = await import('../build/built-console.ts');
  await cp(await builtConsole(), own, { recursive: true });
  try {
    if (built !== undefined) await rm(consoleFolder(), { recursive: true, force: true });
    await rename(own, consoleFolder());
  } catch (error) {
    if (builtAt() === undefined) throw error;
    await rm(own, { recursive: true });
  }
}

const builtAt = (): number | undefined =>
  statSync(join(consoleFolder(), 'index.html'), { throwIfNoEntry: false })?.mtimeMs;

/** Whether a file of the console, or of what it asks the API by, was changed after a time. */
const isNewer = (time: number): boolean =>
  globSync('{console/src,src/api/contract}/**/*.{ts,tsx,css}', { cwd: root }).some(
    (file) => statSync(packaged(file)).mtimeMs > time,
  );
