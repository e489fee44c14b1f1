import { appendFile, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { NewVersion } from '../../../src/definition/history/kept-version.ts';
import { stagedFolder } from '../../../src/definition/history/staged-folder.ts';
import { versionStore } from '../../../src/definition/history/version-store.ts';
import { productionFolder } from '../../support/production.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const versionOf = (version: string, files: Readonly<Record<string, string>>): NewVersion => ({
  version,
  at: 1,
  by: 'ann',
  origin: 'apply',
  warnings: 0,
  files: new Map(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)])),
});

test('each content is kept once, readable by its owner alone, and the oldest versions go', async () => {
  await using folder = await temporaryFolder('history');
  const store = versionStore(folder.path, { versions: 3, bytes: 1_000 });
  for (const name of ['a', 'b', 'c', 'd']) {
    await store.keep(versionOf(name, { 'production.yaml': name, 'same.csv': 'same' }));
  }
  expect((await store.list()).map(({ version }) => version)).toEqual(['b', 'c', 'd']);
  expect(await readdir(join(folder.path, 'history/files'))).toHaveLength(4);
  await expect(store.find('a')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  const file = (await store.find('d')).files['production.yaml'];
  expect(file && Buffer.from(await store.content(file)).toString()).toBe('d');
  const { mode } = await stat(join(folder.path, 'history/versions.jsonl'));
  expect(mode & 0o077).toBe(0);
  // a table that is larger than all that may be kept: the newest two stay
  await store.keep(versionOf('e', { 'large.csv': 'x'.repeat(2_000) }));
  await store.keep(versionOf('f', { 'large.csv': 'y'.repeat(2_000) }));
  expect((await store.list()).map(({ version }) => version)).toEqual(['e', 'f']);
});

test('a line that a loss of power has cut costs that version alone', async () => {
  await using folder = await temporaryFolder('history');
  const store = versionStore(folder.path);
  await store.keep(versionOf('a', { 'production.yaml': 'a' }));
  await appendFile(join(folder.path, 'history/versions.jsonl'), '{"version":"b","at":2,');
  await Promise.all(['c', 'd'].map((name) => store.keep(versionOf(name, { x: name }))));
  expect((await store.list()).map(({ version }) => version)).toEqual(['a', 'c', 'd']);
});

test('a staged folder shows what is changed and links to the rest', async () => {
  await using real = await productionFolder({
    'a.yaml': 'a',
    'b/c.yaml': 'c',
    'b/d.yaml': 'd',
    'e/f.csv': 'f',
  });
  const staged = await stagedFolder(real.path);
  const read = (name: string) => readFile(join(staged.path, name), 'utf8');
  await staged.hold(
    new Map([
      ['b/c.yaml', Buffer.from('changed')],
      ['a.yaml', undefined],
      ['new/g.yaml', Buffer.from('g')],
    ]),
  );
  expect(await Promise.all(['b/c.yaml', 'b/d.yaml', 'e/f.csv', 'new/g.yaml'].map(read))).toEqual([
    'changed',
    'd',
    'f',
    'g',
  ]);
  await expect(read('a.yaml')).rejects.toMatchObject({ code: 'ENOENT' });
  await staged.hold(new Map());
  expect([await read('a.yaml'), await read('b/c.yaml')]).toEqual(['a', 'c']);
  await expect(read('new/g.yaml')).rejects.toMatchObject({ code: 'ENOENT' });
  for (const path of ['../x', '/etc/passwd', 'a/../../x', '.git/config', 'node_modules/x', '']) {
    await expect(staged.hold(new Map([[path, Buffer.from('')]])), path).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  }
  await staged[Symbol.asyncDispose]();
  expect(await readFile(join(real.path, 'b/c.yaml'), 'utf8')).toBe('c');
});
