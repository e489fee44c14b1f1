import { existsSync, readdirSync } from 'node:fs';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
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
