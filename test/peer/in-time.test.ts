import { afterEach, expect, test, vi } from 'vitest';
import { InTime } from '../../src/peer/in-time.ts';

afterEach(() => void vi.useRealTimers());

const never = () => new Promise<never>(() => undefined);
const { signal } = new AbortController();

function within(time: number, more: () => void = () => undefined) {
  vi.useFakeTimers();
  const givenUp = vi.fn<() => void>(more);
  return { all: new InTime({ time, late: () => 'late', givenUp }), givenUp };
}

test('what ends in time gives what it gave, with one timer for all of it', async () => {
  const { all, givenUp } = within(100);
  const works = Array.from({ length: 50 }, () => Promise.withResolvers<number>());
  const waiting = works.map((work) => all.run(work.promise, signal));
  expect(vi.getTimerCount()).toBe(1);
  works.forEach((work, number) => work.resolve(number));
  await expect(Promise.all(waiting)).resolves.toEqual(works.map((_, number) => number));
  await expect(all.run(Promise.reject(new Error('no')), signal)).rejects.toThrow('no');
  vi.advanceTimersByTime(1_000);
  expect(givenUp).not.toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
});

test('each has its whole time, whichever of the others have ended', async () => {
  const { all, givenUp } = within(100);
  const first = Promise.withResolvers<void>();
  const ended = all.run(first.promise, signal);
  vi.advanceTimersByTime(60);
  const later = all.run(never(), signal);
  const last = all.run(never(), signal);
  first.resolve();
  await ended;
  vi.advanceTimersByTime(99);
  expect(givenUp).not.toHaveBeenCalled();
  // those that stay are given up each for itself
  vi.advanceTimersByTime(2);
  expect(givenUp).toHaveBeenCalledTimes(2);
  const late = { code: 'REPLY_TIMEOUT', retryable: true };
  await expect(later).rejects.toMatchObject(late);
  await expect(last).rejects.toMatchObject(late);
});

test('one whose signal aborts is given up alone, and does not say that its work failed', async () => {
  const work = Promise.withResolvers<never>();
  const { all, givenUp } = within(100, () => work.reject(new Error('its connection is gone')));
  const stop = new AbortController();
  const waiting = all.run(work.promise, stop.signal);
  const other = Promise.withResolvers<number>();
  const stays = all.run(other.promise, signal);
  stop.abort(new Error('stopped'));
  await expect(waiting).rejects.toThrow('stopped');
  other.resolve(7);
  await expect(stays).resolves.toBe(7);
  stop.abort();
  expect(givenUp).toHaveBeenCalledOnce();
});

test('a closed one leaves no timer behind, and what is still awaited has its time', async () => {
  const { all } = within(100);
  await all.run(Promise.resolve(), signal);
  all.close();
  expect(vi.getTimerCount()).toBe(0);
  const waiting = all.run(never(), signal);
  all.close();
  vi.advanceTimersByTime(100);
  await expect(waiting).rejects.toThrow('late');
  expect(vi.getTimerCount()).toBe(0);
});

test('a time without an end has no timer', () => {
  const { all } = within(Number.POSITIVE_INFINITY);
  void all.run(never(), signal);
  expect(vi.getTimerCount()).toBe(0);
});
