import { existsSync, readdirSync } from 'node:fs';
import { mkdir, readFile, rm, rmdir, truncate, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { sqliteTrouble } from '../../../../src/database/sqlite-trouble.ts';
import type { Damage } from '../../../../src/trace/store/damage.ts';
import { dayOfSession } from '../../../../src/trace/store/day.ts';
import { sqliteTraceStore } from '../../../../src/trace/store/sqlite/trace-store.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { NOON, sampleSession } from '../../../support/trace-sample.ts';

const DAY = 86_400_000;
const samples = Array.from({ length: 400 }, (_, number) =>
  sampleSession({ number, body: `PID|${'x'.repeat(400)}${number}` }),
);
const before = sampleSession({ at: NOON - DAY, mrn: 'M0' });

async function filled(folder: string): Promise<string> {
  await using store = sqliteTraceStore({ folder });
  await store.apply([...before.all, ...samples.flatMap(({ all }) => all)]);
  return join(folder, `${dayOfSession(samples[0]?.root ?? 0)}.db`);
}

/** How many messages a file has for whoever opens it later. */
async function stillThere(path: string): Promise<unknown> {
  using file = new DatabaseSync(path, { readOnly: true });
  return file.prepare('SELECT count(*) AS count FROM message').get()?.['count'];
}

const HOW: Readonly<Record<string, (path: string) => Promise<void>>> = {
  'its header is': async (path) => {
    const bytes = await readFile(path);
    await writeFile(path, bytes.fill(7, 0, 100));
  },
  'it was cut in half': async (path) => truncate(path, (await readFile(path)).byteLength >> 1),
  'it was cut to nothing': (path) => truncate(path, 0),
};

for (const [how, damage] of Object.entries(HOW)) {
  for (const file of ['a day', 'held.db']) {
    test(`${file} is damaged (${how}): the store opens, keeps the file, and takes again what it is given`, async () => {
      await using folder = await temporaryFolder('damaged');
      const day = await filled(folder.path);
      const path = file === 'held.db' ? join(folder.path, file) : day;
      await damage(path);
      const damages: Damage[] = [];
      await using store = sqliteTraceStore({
        folder: folder.path,
        onDamaged: (one) => damages.push(one),
      });
      expect(damages).toHaveLength(1);
      expect(existsSync(join(folder.path, damages[0]?.keptAs ?? ''))).toBe(true);
      expect(await store.message(before.derived)).toBeDefined();
      await store.apply(samples.flatMap(({ all }) => all));
      expect(await store.message(samples[7]!.derived)).toMatchObject({ status: 'completed' });
      expect((await store.find({ search: { mrn: 'M1' }, limit: 5 })).items).toHaveLength(5);
    });
  }
}

test('pages in the middle are damaged: the day is set aside where it is read, and the rest answers', async () => {
  await using folder = await temporaryFolder('damaged');
  const path = await filled(folder.path);
  const bytes = await readFile(path);
  // all pages but the first, which names the tables
  await writeFile(path, bytes.fill(0xff, 4_096 * 3));
  const damages: Damage[] = [];
  await using store = sqliteTraceStore({
    folder: folder.path,
    onDamaged: (one) => damages.push(one),
  });
  const found = await store.find({ limit: 50 });
  expect(found.items.map(({ sessionId }) => sessionId)).toContain(before.root);
  await store.apply(samples.flatMap(({ all }) => all));
  expect(await store.message(samples[7]!.derived)).toMatchObject({ status: 'completed' });
  expect(damages).toHaveLength(1);
  expect(readdirSync(folder.path)).toContain(damages[0]?.keptAs);
});

test('what is written while a removed file cannot be written again is refused until it can', async () => {
  await using folder = await temporaryFolder('damaged');
  const path = await filled(folder.path);
  await using store = sqliteTraceStore({ folder: folder.path });
  await store.message(before.derived);
  await rm(path);
  await mkdir(`${path}.part`);
  for (let tries = 0; tries < 2; tries++) {
    await expect(store.apply(before.all)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  }
  await rmdir(`${path}.part`);
  await store.apply(before.all);
  expect(await stillThere(path)).toBe(samples.length * 2);
});

test('a file that was damaged and removed while it was open begins anew, and takes again what it is given', async () => {
  await using folder = await temporaryFolder('damaged');
  const path = await filled(folder.path);
  const damages: Damage[] = [];
  await using store = sqliteTraceStore({
    folder: folder.path,
    onDamaged: (one) => damages.push(one),
  });
  await store.message(before.derived);
  const bytes = await readFile(path);
  await writeFile(path, bytes.fill(0xff, 4_096 * 3));
  await rm(path);
  await store.apply(samples.flatMap(({ all }) => all));
  expect(damages).toEqual([{ file: basename(path), keptAs: undefined }]);
  expect(await stillThere(path)).toBe(samples.length * 2);
});

test('a full disk of the trace is told as that, with its place and what helps', async () => {
  await using folder = await temporaryFolder('full');
  const path = join(folder.path, 'x.db');
  using file = new DatabaseSync(path);
  file.exec('CREATE TABLE t(x); PRAGMA max_page_count=2');
  const fill = () => file.exec(`INSERT INTO t VALUES('${'x'.repeat(20_000)}')`);
  const told = (() => {
    try {
      return fill();
    } catch (error) {
      return sqliteTrouble(error, folder.path);
    }
  })();
  expect(told).toMatchObject({
    code: 'STORE_UNAVAILABLE',
    retryable: true,
    message: `the database in ${folder.path} has no space left on its disk: free some; then nothing else has to be done here`,
  });
});
