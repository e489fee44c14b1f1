import { afterEach, expect, test, vi } from 'vitest';
import { Limit } from '../../src/time/limit.ts';

afterEach(() => void vi.useRealTimers());

function limited() {
  vi.useFakeTimers();
  const late = vi.fn<() => void>();
  return { limit: new Limit(late), late };
}

test('what ends in time is never late, however often, with one timer for all of it', () => {
  const { limit, late } = limited();
  for (let one = 0; one < 100; one++) {
    limit.begin(100);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(60);
    limit.end();
  }
  vi.advanceTimersByTime(1_000);
  expect(late).not.toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
});

test('each has its whole time, whenever the one before began', () => {
  const { limit, late } = limited();
  limit.begin(100);
  vi.advanceTimersByTime(90);
  limit.end();
  limit.begin(100);
  vi.advanceTimersByTime(99);
  expect(late).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(late).toHaveBeenCalledOnce();
  // late once, and not again for the same one
  vi.advanceTimersByTime(1_000);
  expect(late).toHaveBeenCalledOnce();
});

test('a shorter time than that of the one before counts at once', () => {
  const { limit, late } = limited();
  limit.begin(10_000);
  limit.end();
  limit.begin(50);
  vi.advanceTimersByTime(50);
  expect(late).toHaveBeenCalledOnce();
});

test('a time without an end needs no timer, and ends a limit of the one before', () => {
  const { limit, late } = limited();
  limit.begin(Number.POSITIVE_INFINITY);
  expect(vi.getTimerCount()).toBe(0);
  limit.begin(100);
  limit.begin(Number.POSITIVE_INFINITY);
  vi.advanceTimersByTime(1_000);
  expect(late).not.toHaveBeenCalled();
});

test('a closed one leaves no timer behind, and works again if something begins', () => {
  const { limit, late } = limited();
  limit.begin(100);
  limit.close();
  expect(vi.getTimerCount()).toBe(0);
  limit.begin(100);
  vi.advanceTimersByTime(100);
  expect(late).toHaveBeenCalledOnce();
});
