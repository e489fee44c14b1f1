import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

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

/** Builds the console in a clone that has none yet; takes some seconds. The package contains it. */
export async function ensureConsole(say: (text: string) => void): Promise<void> {
  const vite = packaged('node_modules/.bin/vite');
  if (existsSync(join(consoleFolder(), 'index.html')) || !existsSync(vite)) return;
  say('building the console, once …');
  // two processes that start at once both build it, and neither serves half of it
  const own = packaged(`dist/console-${process.pid}`);
  const args = ['build', '--config', 'console/vite.config.ts', '--outDir', own, '--emptyOutDir'];
  await promisify(execFile)(vite, args, { cwd: root });
  try {
    await rename(own, consoleFolder());
  } catch (error) {
    if (!existsSync(join(consoleFolder(), 'index.html'))) throw error;
    await rm(own, { recursive: true });
  }
}
