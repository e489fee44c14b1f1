import { copyFile, mkdir, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { sqliteDatabase } from '../../../src/access/meta/sqlite/database.ts';
import { hearUnexpected } from '../../../src/error/unexpected.ts';
import type { MovedFile } from '../../../src/trace/store/damage.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const FILE = 'meta.db';

async function lab() {
  const folder = await temporaryFolder('moved');
  const moved: MovedFile[] = [];
  const database = await sqliteDatabase(folder.path, FILE, {
    onMoved: (one) => moved.push(one),
    lookEvery: 50,
  });
  await database.run('CREATE TABLE person(name TEXT)');
  await database.run("INSERT INTO person VALUES('anna')");
  return {
    path: (name: string) => join(folder.path, name),
    moved,
    database,
    async [Symbol.asyncDispose]() {
      await database.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function namesIn(path: string): Promise<unknown[]> {
  const folder = join(path, '..');
  await using found = await sqliteDatabase(folder, path.slice(folder.length + 1));
  return await found.all('SELECT name FROM person ORDER BY name');
}

test.for([
  ['with its log', ['', '-wal', '-shm']],
  ['without its log', ['']],
] as const)(
  'a file that is removed while it is open (%s) is written again, and keeps what comes then',
  async ([, ends]) => {
    const { path, moved, database, ...lent } = await lab();
    await using _ = lent;
    for (let times = 1; times <= 2; times++) {
      for (const end of ends) await rm(path(FILE + end), { force: true });
      await vi.waitFor(() => expect(moved).toHaveLength(times));
      await database.run('INSERT INTO person VALUES(?)', `ben ${times}`);
    }
    expect(moved.map(({ file, keptAs }) => [file, keptAs])).toEqual([
      [FILE, FILE],
      [FILE, FILE],
    ]);
    expect((await stat(path(FILE))).mode & 0o077).toBe(0);
    expect(await namesIn(path(FILE))).toEqual(['anna', 'ben 1', 'ben 2'].map((name) => ({ name })));
  },
);

test('a file that is removed and cannot be written again is written once it can be', async () => {
  const { path, moved, database, ...lent } = await lab();
  await using _ = lent;
  const unhear = hearUnexpected(() => undefined);
  try {
    await mkdir(path(`${FILE}.part`));
    await rm(path(FILE));
    await sleep(150);
    expect(moved).toEqual([]);
    await database.run("INSERT INTO person VALUES('ben')");
    await rmdir(path(`${FILE}.part`));
    await vi.waitFor(() => expect(moved).toEqual([{ file: FILE, keptAs: FILE }]));
  } finally {
    unhear();
  }
  expect(await namesIn(path(FILE))).toEqual(['anna', 'ben'].map((name) => ({ name })));
});

test('a file that is replaced while it is open is told of, and what it held is kept beside it', async () => {
  const { path, moved, database, ...lent } = await lab();
  await using _ = lent;
  await (await sqliteDatabase(path('.'), 'backup.db')).close();
  await rename(path('backup.db'), path(FILE));
  await vi.waitFor(() => expect(moved).toHaveLength(1));
  const { keptAs = '' } = moved[0] ?? {};
  expect(keptAs).toMatch(/^meta\.db\.replaced-/);
  await copyFile(path(keptAs), path('copy.db'));
  expect(await namesIn(path('copy.db'))).toEqual([{ name: 'anna' }]);
  expect(await database.all('SELECT name FROM person')).toEqual([{ name: 'anna' }]);
  expect((await readdir(path('.'))).filter((name) => name.includes('replaced'))).toHaveLength(1);
});
