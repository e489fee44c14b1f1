import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { find } from '../../../../src/trace/store/sqlite/find.ts';
import { copySessions } from '../../../../src/trace/store/sqlite/held-file.ts';
import { TraceFiles } from '../../../../src/trace/store/sqlite/trace-files.ts';
import { sqliteTraceStore } from '../../../../src/trace/store/sqlite/trace-store.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { NOON, sampleAttempt, sampleSession } from '../../../support/trace-sample.ts';

const DAY = '2026-03-10';
const sample = sampleSession({ mrn: 'OPEN' });
const settled = sampleSession({ number: 1 });

/** A day with an open and a settled session, as a purge finds it. */
async function filled(folder: string): Promise<void> {
  await using store = sqliteTraceStore({ folder });
  await store.apply([sample.arrival, sample.queued, sampleAttempt(sample, 1), ...settled.all]);
}

test('a purge cut off while it copied leaves each session once, where it was', async () => {
  await using folder = await temporaryFolder('held');
  await filled(folder.path);
  const files = new TraceFiles(folder.path);
  copySessions(files.day(DAY), files.held, [sample.root]);
  files.close();

  await using store = sqliteTraceStore({ folder: folder.path });
  expect((await store.find({})).items).toHaveLength(4);
  expect((await store.find({ search: { mrn: 'OPEN' } })).items).toHaveLength(2);
  expect((await store.usage()).heldSessions).toBe(0);
  await store.apply([sample.outcome]);
  expect(await store.message(sample.derived)).toMatchObject({ status: 'completed' });
  expect(await store.orphans()).toBe(0);
});

test('a purge cut off before it removed the day is completed by the next start', async () => {
  await using folder = await temporaryFolder('held');
  await filled(folder.path);
  const files = new TraceFiles(folder.path);
  copySessions(files.day(DAY), files.held, [sample.root]);
  files.held.transaction(() => files.held.takeOver(DAY));
  files.close();

  await using store = sqliteTraceStore({ folder: folder.path });
  expect(existsSync(join(folder.path, `${DAY}.db`))).toBe(false);
  expect(await store.session(settled.root)).toBeUndefined();
  expect((await store.session(sample.root))?.attempts).toHaveLength(1);
  await store.apply([sample.outcome]);
  expect(await store.message(sample.derived)).toMatchObject({
    status: 'completed',
    source: 'router',
  });
  expect((await store.find({})).items).toHaveLength(2);
  expect(await store.orphans()).toBe(0);
});

test('while a day is copied its sessions are found once', async () => {
  await using folder = await temporaryFolder('held');
  await filled(folder.path);
  const files = new TraceFiles(folder.path);
  copySessions(files.day(DAY), files.held, [sample.root]);
  const context = { files, largeBody: () => Promise.resolve(undefined) };
  expect((await find(context, {})).items).toHaveLength(4);
  expect((await find(context, { search: { mrn: 'OPEN' } })).items).toHaveLength(2);
  files.close();
});

test('large bodies that were to be deleted when the process ended are deleted by the next purge', async () => {
  await using folder = await temporaryFolder('held');
  const HOUR = 3_600_000;
  const LATER = NOON + 240 * HOUR;
  {
    await using store = sqliteTraceStore({ folder: folder.path });
    await store.apply(sampleSession({ bodyRef: 'b1.1' }).all);
    await store.purge({ now: LATER, keep: 0 });
    const failing = store.purge({
      now: LATER + HOUR,
      keep: 0,
      removeBody: () => Promise.reject(new Error('away')),
    });
    await expect(failing).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  }
  await using store = sqliteTraceStore({ folder: folder.path });
  const removed: string[] = [];
  const report = await store.purge({
    now: LATER + HOUR,
    keep: 0,
    removeBody: async (ref) => void removed.push(ref),
  });
  expect(removed).toEqual(['b1.1']);
  expect(report).toMatchObject({ removed: [], bodiesRemoved: 1 });
});
