import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { sqliteTraceStore } from '../../../../src/trace/store/sqlite/trace-store.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { NOON, sampleSession } from '../../../support/trace-sample.ts';

const DAY = 86_400_000;
const onDay = (day: number) => sampleSession({ at: NOON + day * DAY, number: day }).all;
const known = (read: Readonly<Record<string, number>>) => new Map(Object.entries(read));

test('how far the streams were read is noted with what was read, over days and a purge, and a copy says what it has', async () => {
  await using folder = await temporaryFolder('trace-read');
  const at = join(folder.path, 'trace');
  const copy = join(folder.path, 'copy');
  {
    await using store = sqliteTraceStore({ folder: at });
    expect(await store.readUpTo()).toEqual(known({}));
    await store.setReadUpTo([]);
    await store.apply(onDay(0), [
      { id: 'WARD 1', floor: 7 },
      { id: 'LAB 1', floor: 9 },
    ]);
  }
  await cp(at, copy, { recursive: true });
  {
    await using store = sqliteTraceStore({ folder: at });
    await store.apply(onDay(1), [{ id: 'WARD 1', floor: 8 }]);
    // what is late belongs to its day, and a stream that lost its end is read from there
    await store.apply(
      [onDay(0)[2]].flatMap((input) => input ?? []),
      [{ id: 'LAB 1', floor: 5 }],
    );
    expect(await store.readUpTo()).toEqual(known({ 'WARD 1': 8, 'LAB 1': 5 }));
  }
  await using restored = sqliteTraceStore({ folder: copy });
  expect(await restored.readUpTo()).toEqual(known({ 'WARD 1': 7, 'LAB 1': 9 }));
  await using store = sqliteTraceStore({ folder: at });
  await store.setMark('later');
  const { removed } = await store.purge({ now: NOON + 40 * DAY, keep: DAY });
  expect(removed).toHaveLength(2);
  expect(await store.readUpTo()).toEqual(known({ 'WARD 1': 8, 'LAB 1': 5 }));
  await store.apply(onDay(40), [{ id: 'LAB 1', floor: 6 }]);
  expect(await store.readUpTo()).toEqual(known({ 'WARD 1': 8, 'LAB 1': 6 }));
});

test('once a version has marked the trace that notes nothing, it is not known until it is said again', async () => {
  await using folder = await temporaryFolder('trace-read');
  {
    await using store = sqliteTraceStore({ folder: folder.path });
    await store.setReadUpTo([{ id: 'WARD 1', floor: 5 }]);
    await store.apply(onDay(0), [{ id: 'LAB 1', floor: 7 }]);
    await store.setMark('ours');
    expect(await store.mark()).toBe('ours');
    expect(await store.readUpTo()).toEqual(known({ 'WARD 1': 5, 'LAB 1': 7 }));
  }
  const held = new DatabaseSync(join(folder.path, 'held.db'));
  held.exec(`UPDATE note SET value = '{"mark":"theirs"}' WHERE name = 'mark'`);
  held.close();
  await using store = sqliteTraceStore({ folder: folder.path });
  await store.setMark('ours again');
  await store.apply(onDay(1), [{ id: 'LAB 1', floor: 9 }]);
  expect(await store.readUpTo()).toEqual(known({}));
  await store.setReadUpTo([
    { id: 'WARD 1', floor: 6 },
    { id: 'LAB 1', floor: 8 },
  ]);
  expect(await store.readUpTo()).toEqual(known({ 'WARD 1': 6, 'LAB 1': 9 }));
});

test('the newest day alone, put back from a copy, says less', async () => {
  await using folder = await temporaryFolder('trace-read');
  const day = join(folder.path, '2026-03-11.db');
  const copy = join(folder.path, 'copy');
  {
    await using store = sqliteTraceStore({ folder: folder.path });
    await store.setReadUpTo([]);
    await store.apply([...onDay(0), ...onDay(1)], [{ id: 'WARD 1', floor: 7 }]);
  }
  await cp(day, copy);
  {
    await using store = sqliteTraceStore({ folder: folder.path });
    await store.apply(onDay(0), [{ id: 'WARD 1', floor: 8 }]);
  }
  await rm(day);
  await cp(copy, day);
  await rm(copy);
  await using store = sqliteTraceStore({ folder: folder.path });
  expect(await store.readUpTo()).toEqual(known({ 'WARD 1': 7 }));
});
