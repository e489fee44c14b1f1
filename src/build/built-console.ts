import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { builtOnce } from './built-once.ts';

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
