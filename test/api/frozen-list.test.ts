import { afterAll, beforeAll, expect, test } from 'vitest';
import { frozenList, sampleOf } from '../../src/api/frozen-list.ts';
import { sqliteTraceStore } from '../../src/trace/store/sqlite/trace-store.ts';
import type { TraceStore } from '../../src/trace/trace-store.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { NOON, sampleSession } from '../support/trace-sample.ts';
import { splitSession } from '../support/trace-split.ts';

/** Two messages each: one of the service for the router, one of the router for the ward or the lab. */
const sessions = Array.from({ length: 30 }, (_, number) =>
  sampleSession({ at: NOON + number * 1_000, number, target: number % 3 === 0 ? 'lab' : 'ward' }),
);
const ward = sessions.filter((_, number) => number % 3 !== 0).map(({ derived }) => derived);

let folder: TemporaryFolder;
let store: TraceStore;
beforeAll(async () => {
  folder = await temporaryFolder('frozen');
  store = sqliteTraceStore({ folder: folder.path });
  await store.apply(sessions.flatMap(({ all }) => all));
});
afterAll(async () => {
  await store.close();
  await folder[Symbol.asyncDispose]();
});

const criteria = { target: 'ward' };

test('all that fits is on it in the order it was made, with the first of it to be looked at', async () => {
  const { ids, sample, complete } = await frozenList(store, { criteria }, undefined, {});
  expect(ids).toEqual(ward);
  expect(sample.map(({ id }) => id)).toEqual(ward.slice(0, 10));
  expect(complete).toBe(true);
});

test('of more than a job takes, the newest are on it, and it says so', async () => {
  const { ids, sample, complete } = await frozenList(store, { criteria }, undefined, { most: 12 });
  expect(ids).toEqual(ward.slice(-12));
  expect(sample.map(({ id }) => id)).toEqual(ward.slice(-12).slice(0, 10));
  expect(complete).toBe(false);
  const exact = await frozenList(store, { criteria }, undefined, { most: ward.length });
  expect(exact.ids).toHaveLength(ward.length);
});

test('nothing is on it whose target the asker does not see', async () => {
  const { ids } = await frozenList(store, { criteria: {} }, ['adt-in', 'router', 'lab'], {
    most: 50,
  });
  const expected = sessions.flatMap(({ root, derived }, n) =>
    n % 3 === 0 ? [root, derived] : [root],
  );
  expect(ids).toEqual(expected.toSorted((a, b) => a - b));
});

test('named messages are on it once each; one that is not known, or not visible, is refused', async () => {
  const [a = 0, b = 0] = ward;
  expect((await frozenList(store, { ids: [b, a, b] }, undefined, {})).ids).toEqual([a, b]);
  await expect(frozenList(store, { ids: [a, 1] }, undefined, {})).rejects.toThrow('no message 1');
  await expect(frozenList(store, { ids: [a] }, ['lab'], {})).rejects.toThrow(`no message ${a}`);
  await expect(frozenList(store, {}, undefined, {})).rejects.toThrow('give one of');
});

test('of a list that is kept, the first messages are looked up; what is gone is left out', async () => {
  const sample = await sampleOf(store, [1, ...ward]);
  expect(sample.map(({ id }) => id)).toEqual(ward.slice(0, 9));
});

test('who asks for what is about a patient does not act on the others of their file, unless it is named', async () => {
  const { whole, parts, all } = splitSession(['A', 'B', 'C'], { at: NOON + 3_600_000 });
  await store.apply(all);
  for (const asked of [{ search: { mrn: 'B' } }, { anyOf: ['B'] }]) {
    const { ids, leftOut } = await frozenList(store, { criteria: asked }, undefined, {});
    expect(ids).toEqual([parts[1]?.id, parts[1]?.made]);
    expect(leftOut).toBe(1);
  }
  expect((await frozenList(store, { ids: [whole] }, undefined, {})).ids).toEqual([whole]);
  const tried = await frozenList(store, { criteria: { search: { mrn: 'B' } } }, undefined, {
    originals: true,
  });
  expect(tried.ids).toEqual([whole]);
});
