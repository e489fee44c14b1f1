import { afterEach, expect, test } from 'vitest';
import { hearUnexpected } from '../../src/error/unexpected.ts';
import { Intake } from '../../src/peer/intake.ts';

const lent = {
  signal: new AbortController().signal,
  connection: () => undefined,
  event: () => undefined,
};
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
let deaf: (() => void) | undefined;
afterEach(() => deaf?.());

test('so many at a time, in their order; what nobody foresaw does not hold up the others', async () => {
  const heard: string[] = [];
  deaf = hearUnexpected(({ what }) => heard.push(what));
  const intake = new Intake(lent, 2);
  const begun: number[] = [];
  const ends: PromiseWithResolvers<void>[] = [];
  const work = (n: number) => (): Promise<void> => {
    begun.push(n);
    ends[n] = Promise.withResolvers<void>();
    return ends[n].promise;
  };
  // more than are kept without making room
  for (let n = 0; n < 3_000; n++) intake.take(work(n));
  const third = intake.takeInTurn(work(3_000));
  let isTurn = false;
  third.then(() => (isTurn = true)).catch(() => undefined);
  await turn();
  expect(begun).toEqual([0, 1]);
  ends[1]?.reject(new Error('unforeseen'));
  ends[0]?.resolve();
  await turn();
  expect(begun).toEqual([0, 1, 2, 3]);
  expect(heard).toEqual(['taking a message']);
  for (let n = 2; n < 3_000; n++) {
    ends[n]?.resolve();
    if (n % 2 === 1) await turn();
  }
  await third;
  expect(isTurn).toBe(true);
  expect(begun).toEqual([...Array(3_001).keys()]);
  let isStored = false;
  intake
    .stored()
    .then(() => (isStored = true))
    .catch(() => undefined);
  await turn();
  expect(isStored).toBe(false);
  ends[3_000]?.resolve();
  await turn();
  expect(isStored).toBe(true);
});

test('what waits in memory without being kept elsewhere has a limit, which ends with it', async () => {
  const intake = new Intake(lent, 1);
  const end = Promise.withResolvers<void>();
  const large = 40 * 1024 * 1024;
  expect(intake.takeOnlyCopy(large, () => end.promise)).toBe(true);
  expect(intake.takeOnlyCopy(large, () => Promise.resolve())).toBe(false);
  end.resolve();
  await turn();
  expect(intake.takeOnlyCopy(large, () => Promise.resolve())).toBe(true);
});
