import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '../..');

let known: Promise<string> | undefined;

/** The folder of the built console; it is built anew only after one of its source files has changed. Looked at once for each process. */
export const builtConsole = (): Promise<string> => (known ??= built());

const built = (): Promise<string> =>
  builtOnce({
    name: 'console',
    sources: [
      'package-lock.json',
      ...globSync('{console,src}/**/*.{ts,tsx,css,html,json,svg}', { cwd: ROOT }),
    ],
    async into(folder) {
      await promisify(execFile)(
        join(ROOT, 'node_modules/.bin/vite'),
        ['build', '--config', 'console/vite.config.ts', '--outDir', folder],
        // the test runner sets `test` here, for which React builds its slow version
        { cwd: ROOT, env: { ...process.env, NODE_ENV: 'production' } },
      );
    },
  });

const DAY = 86_400_000;

interface Build {
  /** Of its folder under `node_modules/.cache`. */
  readonly name: string;
  /** All files that what is built depends on, from the root of the repository. */
  readonly sources: readonly string[];
  /** Builds into an empty folder, which is given its lasting name once this resolves. */
  readonly into: (folder: string) => Promise<void>;
}

/** The folder of what is built; it is built anew only after one of the source files has changed. */
export async function builtOnce({ name, sources, into }: Build): Promise<string> {
  const cache = join(ROOT, 'node_modules/.cache', name);
  const folder = join(cache, await stateOf(sources));
  await mkdir(cache, { recursive: true });
  // one process builds, the others wait for it
  const turn = `${folder}.building`;
  while (!existsSync(folder)) {
    if (await isTaken(turn)) await sleep(50);
    else await build(cache, folder, turn, into);
  }
  return folder;
}

/** Whether another process builds already; else it is our turn from now on. */
async function isTaken(turn: string): Promise<boolean> {
  try {
    await writeFile(turn, `${process.pid}`, { flag: 'wx' });
    return false;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  // of a run that was killed: two that find it at once would build both, which harms nobody
  const pid = Number(await readFile(turn, 'utf8').catch(() => ''));
  if (pid > 0 && !isAlive(pid)) await rm(turn, { force: true });
  return true;
}

async function build(
  cache: string,
  folder: string,
  turn: string,
  into: Build['into'],
): Promise<void> {
  const made = await mkdtemp(join(cache, 'made-'));
  try {
    await into(made);
    await rename(made, folder).catch(async (error: unknown) => {
      // another run was faster
      if (!existsSync(folder)) throw error;
      await rm(made, { recursive: true });
    });
  } finally {
    await rm(turn, { force: true });
  }
  for (const name of await readdir(cache)) {
    const path = join(cache, name);
    const { mtimeMs = Date.now() } = statSync(path, { throwIfNoEntry: false }) ?? {};
    if (Date.now() - mtimeMs > DAY) await rm(path, { recursive: true, force: true });
  }
}

/** An identifier for the state of these files. */
async function stateOf(files: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const file of files.toSorted()) hash.update(file).update(await readFile(join(ROOT, file)));
  return hash.digest('hex').slice(0, 16);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    // it has ended
    return false;
  }
}
