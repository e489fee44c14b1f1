import { expect, onTestFinished, test } from 'vitest';
import { compareHour, hourCounts, sameTime, usualOf } from '../../src/trace/compared-hours.ts';
import { sqliteTraceStore } from '../../src/trace/store/sqlite/trace-store.ts';
import type { TraceStore } from '../../src/trace/trace-store.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { sampleSession } from '../support/trace-sample.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const BERLIN = 'Europe/Berlin';
/** A Tuesday, 14 o'clock in Berlin. */
const AT = Date.UTC(2026, 5, 16, 12);

async function openedStore(): Promise<TraceStore> {
  const folder = await temporaryFolder('compared');
  const store = sqliteTraceStore({ folder: folder.path });
  onTestFinished(async () => {
    await store.close();
    await folder[Symbol.asyncDispose]();
  });
  return store;
}

let number = 0;

/** Messages that came to `source` in the hour, and went on to `ward`. */
async function came(store: TraceStore, at: number, count: number, source: string): Promise<void> {
  const sessions = Array.from({ length: count }, (_, one) =>
    sampleSession({ at: at + one * 1_000, number: number++, source }),
  );
  await store.apply(sessions.flatMap(({ all }) => all));
}

async function ran(store: TraceStore, at: number, host: string, minutes = 60): Promise<void> {
  for (let minute = 0; minute < minutes; minute += 10) {
    await store.sawRunning([host], at + minute * 60_000);
  }
}

test('what is not known is missing, and that nothing came is 0', async () => {
  const store = await openedStore();
  await came(store, AT, 4, 'adt-in');
  await ran(store, AT, 'adt-in');
  // ran without a message; ran for 20 minutes; was away; before hosts were recorded
  await ran(store, AT - DAY, 'adt-in');
  await ran(store, AT - 2 * DAY, 'adt-in', 20);
  await came(store, AT - 2 * DAY, 1, 'adt-in');
  await came(store, AT - 7 * DAY, 12, 'adt-in');
  const compared = await compareHour(
    hourCounts(store, () => AT + HOUR),
    {
      at: AT,
      zone: BERLIN,
      hosts: ['adt-in'],
      days: [1, 2, 3, 7],
    },
  );
  const now = { in: 4, errors: 0 };
  const none = { in: 0, errors: 0 };
  expect(compared).toEqual([
    { days: 1, at: AT - DAY, missing: undefined, ...none, now, hosts: 1 },
    { days: 2, at: AT - 2 * DAY, missing: 'partly', ...none, now: none, hosts: 0 },
    { days: 3, at: AT - 3 * DAY, missing: 'unknown', ...none, now: none, hosts: 0 },
    { days: 7, at: AT - 7 * DAY, missing: undefined, in: 12, errors: 0, now, hosts: 1 },
  ]);
});

test('a new or renamed host is left out on both sides', async () => {
  const store = await openedStore();
  const then = AT - 7 * DAY;
  await came(store, then, 6, 'adt-in');
  await came(store, then, 9, 'old-name');
  await came(store, AT, 3, 'adt-in');
  await came(store, AT, 50, 'new-name');
  for (const host of ['adt-in', 'new-name']) await ran(store, AT, host);
  for (const host of ['adt-in', 'old-name']) await ran(store, then, host);
  const asked = { at: AT, zone: BERLIN, hosts: ['adt-in', 'new-name'], days: [7] };
  expect(await compareHour(hourCounts(store), asked)).toMatchObject([
    { in: 6, now: { in: 3 }, hosts: 1, missing: undefined },
  ]);
});

test('the same hour is that of the wall clock, also over a change of the clock', () => {
  const wednesday = Date.UTC(2026, 9, 28, 13);
  // winter time began on Sunday 25 October
  expect(sameTime(BERLIN, wednesday, 1)).toBe(wednesday - DAY);
  expect(sameTime(BERLIN, wednesday, 7)).toBe(wednesday - 7 * DAY - HOUR);
  // 2 o'clock was skipped on Sunday 29 March
  const sunday = Date.UTC(2026, 3, 5, 0);
  expect(sameTime(BERLIN, sunday, 7)).toBeUndefined();
  expect(sameTime(BERLIN, sunday, 1)).toBe(sunday - DAY);
  // hours of UTC begin at half past in India, on every day
  expect(sameTime('Asia/Kolkata', AT, 7)).toBe(AT - 7 * DAY);
  // half an hour is skipped there, so that hours of UTC no longer fit
  expect(sameTime('Australia/Lord_Howe', Date.UTC(2026, 9, 7, 3), 7)).toBeUndefined();
});

test('usual is the median of three or four known weeks with enough messages', async () => {
  const store = await openedStore();
  await came(store, AT, 2, 'adt-in');
  const asked = { at: AT, zone: BERLIN, host: 'adt-in' };
  for (const [week, count] of [
    [1, 40],
    [2, 20],
  ] as const)
    await came(store, AT - week * 7 * DAY, count, 'adt-in');
  expect(await usualOf(hourCounts(store), asked)).toBeUndefined();
  await came(store, AT - 21 * DAY, 30, 'adt-in');
  expect(await usualOf(hourCounts(store), asked)).toEqual({ in: 2, usual: 30 });
  await ran(store, AT - 28 * DAY, 'adt-in');
  expect(await usualOf(hourCounts(store), asked)).toEqual({ in: 2, usual: 25 });
  expect(await usualOf(hourCounts(store), { ...asked, host: 'nobody' })).toBeUndefined();
});

test('an hour that has just ended is read again soon, an old one is remembered, a failure is not', async () => {
  const store = await openedStore();
  let now = AT + HOUR;
  let reads = 0;
  let broken = false;
  const counts = hourCounts(
    {
      statistics: (query) => {
        reads++;
        return broken ? Promise.reject(new Error('away')) : store.statistics(query);
      },
      hostHours: (query) => store.hostHours(query),
    },
    () => now,
  );
  await Promise.all([counts.of(AT), counts.of(AT)]);
  expect(reads).toBe(1);
  await counts.of(AT - 7 * DAY);
  now += 61_000;
  await counts.of(AT - 7 * DAY);
  expect(reads).toBe(2);
  broken = true;
  await expect(counts.of(AT)).rejects.toThrow('away');
  broken = false;
  await came(store, AT, 5, 'adt-in');
  expect((await counts.of(AT)).get('adt-in')).toEqual({ in: 5, errors: 0, partly: false });
});
