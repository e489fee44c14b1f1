import { expect, test } from 'vitest';
import { sqliteTraceStore } from '../../src/trace/store/sqlite/trace-store.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { NOON, sampleSession } from '../support/trace-sample.ts';

test('a long search lets others have their turn, and can be cut off in the middle', async () => {
  await using folder = await temporaryFolder('search');
  await using store = sqliteTraceStore({ folder: folder.path });
  for (let batch = 0; batch < 10; batch++) {
    const samples = Array.from({ length: 200 }, (_, number) =>
      sampleSession({ at: NOON + batch * 1_000 + number, number: number % 64 }),
    );
    await store.apply(samples.flatMap(({ all }) => all));
  }
  let turns = 0;
  const cut = new AbortController();
  const others = (): void => {
    turns++;
    if (turns === 3) cut.abort();
    if (!cut.signal.aborted) setImmediate(others);
  };
  setImmediate(others);
  const search = store.find({ contains: 'in no body', timeBudget: 60_000 }, { signal: cut.signal });
  await expect(search).rejects.toMatchObject({ name: 'AbortError' });
  expect(turns).toBe(3);
});

test('how far a search for a value came does not tell that what is hidden matches', async () => {
  await using folder = await temporaryFolder('search');
  await using store = sqliteTraceStore({ folder: folder.path });
  // of each session the second leg is hidden, and without a reader nothing in the first is what matches
  const samples = Array.from({ length: 350 }, (_, number) =>
    sampleSession({ at: NOON + number * 10, number: number % 64, mrn: 'HIDDEN' }),
  );
  await store.apply(samples.flatMap(({ all }) => all));
  const asked = async (mrn: string) => {
    const query = { search: { mrn }, visible: ['adt-in', 'router'], timeBudget: 1, limit: 50 };
    const { items, next, complete } = await store.find(query, { shown: {} });
    return { items: items.length, next, complete };
  };
  expect(await asked('HIDDEN')).toEqual(await asked('held by nobody'));
  expect((await store.find({ search: { mrn: 'HIDDEN' }, limit: 50 })).items).toHaveLength(50);
});
