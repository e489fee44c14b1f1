import { expect, test } from 'vitest';
import type { FoundFile } from '../../../src/peer/folder/file-scan.ts';
import { stillness } from '../../../src/peer/folder/stillness.ts';

function file(size: number, modified = 1_000): FoundFile {
  return { name: 'lab.hl7', kind: 'file', path: 'in/lab.hl7', relative: 'lab.hl7', size, modified };
}

test('a file is settled once size and time stood still for the time, by our own clock', async () => {
  let now = 0;
  const still = stillness(5_000, undefined, () => now);
  expect(await still.settled([file(10)])).toEqual([]);
  now = 4_999;
  expect(await still.settled([file(10)])).toEqual([]);
  now = 5_000;
  expect(await still.settled([file(10)])).toEqual([file(10)]);
});

test('growing, or being written again, starts the time anew', async () => {
  let now = 0;
  const still = stillness(5_000, undefined, () => now);
  await still.settled([file(10)]);
  now = 4_000;
  await still.settled([file(20)]);
  now = 8_000;
  expect(await still.settled([file(20, 2_000)])).toEqual([]);
  now = 12_999;
  expect(await still.settled([file(20, 2_000)])).toEqual([]);
  now = 13_000;
  expect(await still.settled([file(20, 2_000)])).toHaveLength(1);
});

test('a clock of the peer that is years wrong does not matter', async () => {
  let now = 0;
  const still = stillness(1_000, undefined, () => now);
  await still.settled([file(10, 0), { ...file(10, 4e12), path: 'in/other' }]);
  now = 1_000;
  expect(await still.settled([file(10, 0), { ...file(10, 4e12), path: 'in/other' }])).toHaveLength(
    2,
  );
});

test('says when to look again, later each time that something is still not left alone', async () => {
  let now = 0;
  const still = stillness(1_000, undefined, () => now);
  const looked: number[] = [still.next];
  for (const size of [10, 20, 30, 30]) {
    await still.settled([file(size)]);
    looked.push(still.next);
    now += 1_000;
  }
  expect(looked).toEqual([Infinity, 1_000, 2_000, 4_000, Infinity]);
});

test('a file that was away starts anew', async () => {
  let now = 0;
  const still = stillness(1_000, undefined, () => now);
  await still.settled([file(10)]);
  now = 500;
  await still.settled([]);
  now = 1_000;
  expect(await still.settled([file(10)])).toEqual([]);
});

test('with 0 every file is settled at first sight', async () => {
  expect(await stillness(0).settled([file(10)])).toEqual([file(10)]);
});

test('a file that is never left alone is told once, and again only after it was', async () => {
  const MINUTE = 60_000;
  let now = 0;
  const told: string[] = [];
  const still = stillness(
    5_000,
    ({ relative }, duration) => told.push(`${relative} ${duration / MINUTE}`),
    () => now,
  );
  const look = (size: number, minutes: number) => {
    now = minutes * MINUTE;
    return still.settled([file(size)]);
  };
  for (let n = 0; n <= 15; n++) await look(n, n);
  expect(told).toEqual([]);
  for (let n = 16; n <= 20; n++) await look(n, n);
  expect(told).toEqual(['lab.hl7 16']);
  expect(await look(20, 21)).toHaveLength(1);
  for (let n = 22; n <= 36; n++) await look(n, n);
  expect(told).toHaveLength(1);
  for (let n = 37; n <= 40; n++) await look(n, n);
  expect(told).toEqual(['lab.hl7 16', 'lab.hl7 16']);
});
