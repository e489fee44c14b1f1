import { expect, test } from 'vitest';
import { type Arrival, growthOf, type Sample } from '../../bench/growth.ts';

const RATE = 1_000;
const SECONDS = 4;
const MOMENTS = Array.from({ length: SECONDS * 20 + 1 }, (_, n) => n / 20);

/** What is seen of a line in which a message that sets out at a time waits so many seconds. */
function seen(wait: (at: number) => number) {
  const samples: Sample[] = MOMENTS.map((at) => ({ at, waiting: RATE * wait(at) }));
  const arrivals: Arrival[] = MOMENTS.map((at) => ({ at, ms: 1_000 * wait(at) }));
  return growthOf({ rate: RATE, seconds: SECONDS }, samples, arrivals);
}

test('a line as fast as its senders does not grow', () => {
  expect(seen(() => 0.01)).toEqual({ share: 0, slower: 1, grows: false });
});

test('a line that carries one message in twenty less than comes grows', () => {
  const { share, grows } = seen((at) => 0.01 + 0.05 * at);
  expect(share).toBeCloseTo(0.05);
  expect(grows).toBe(true);
});

test('a line that was slow before and carries half of what comes grows', () => {
  expect(seen((at) => 20 + 0.5 * at)).toMatchObject({ slower: expect.closeTo(1, 1), grows: true });
});

test('a moment in which the machine did something else is no growth', () => {
  expect(seen((at) => (at > 2 && at < 2.6 ? 0.5 - (at - 2) * 0.8 : 0.01)).grows).toBe(false);
});

test('a beginning in which the line fills is no growth', () => {
  expect(seen((at) => Math.min(at, 0.8) / 10).grows).toBe(false);
});

test('a run in which nothing arrived grows', () => {
  const samples = MOMENTS.map((at) => ({ at, waiting: RATE * at }));
  expect(growthOf({ rate: RATE, seconds: SECONDS }, samples, []).grows).toBe(true);
});
