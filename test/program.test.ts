import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { packageJson } from '../src/cli/packaged.ts';
import { inSources, program } from './support/program.ts';

const ROOT = join(import.meta.dirname, '..');

/** Writes each module of the sources that is read. */
const TELLS = `data:text/javascript,${encodeURIComponent(`import { registerHooks } from 'node:module';
registerHooks({ load(url, context, next) {
  if (/^file:.*\\.ts$/.test(url)) process.stderr.write(new URL(url).pathname + '\\n');
  return next(url, context);
} });`)}`;

test('a process of the program reads its bundle, and of the sources only what it is named by', async () => {
  const words = await program('src/main.ts', '--version');
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    '--import',
    TELLS,
    ...words,
  ]);
  expect(stdout.trim()).toBe(packageJson().version);
  expect(stderr).not.toContain('/src/cli/commands.ts');
});

test('where a process failed is told in the sources', async () => {
  const words = await program('src/main.ts');
  const folder = dirname(words.find((word) => word.endsWith('loader.mjs')) ?? '');
  const file = join(folder, 'src/main.mjs');
  const line = readFileSync(file, 'utf8')
    .split('\n')
    .findIndex((text) => text.includes('parseAsync'));
  const told = inSources(`Error: no\n    at file://${file}:${line + 1}:8\n    at node:fs:1:1`);
  const [, place = '', column] = /at (\S+?):(\d+:\d+)\n {4}at node:fs:1:1$/.exec(told) ?? [];
  expect(relative(ROOT, place)).toBe('src/main.ts');
  const source = readFileSync(place, 'utf8').split('\n');
  expect(source[Number(column?.split(':')[0]) - 1]).toContain('parseAsync');
});
