import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ExpiryWatch } from '../../../src/adapter/tls/expiry-watch.ts';

const DAY = 86_400_000;

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 1) });
});
afterEach(() => {
  vi.useRealTimers();
});

test('an end is told of 30, 14 and 3 days before, and when it has come, once each', () => {
  const told: string[] = [];
  const watch = new ExpiryWatch({ event: (level, name) => told.push(`${level} ${name}`) });
  watch.watch([{ what: 'our certificate CN=hub', end: new Date(Date.now() + 40.5 * DAY) }]);
  const days: Record<number, string> = {};
  for (let day = 0; day <= 45; day++) {
    const now = told.splice(0).join();
    if (now !== '') days[40 - day] = now;
    vi.advanceTimersByTime(DAY);
  }
  expect(days).toEqual({
    29: 'warn expires-soon',
    13: 'warn expires-soon',
    2: 'error expires-soon',
    [-1]: 'error expired',
  });
  watch.close();
  expect(vi.getTimerCount()).toBe(0);
});

test('a renewed one is not told of, and its successor is watched', () => {
  const texts: string[] = [];
  const watch = new ExpiryWatch({ event: (_, __, text) => texts.push(text) });
  watch.watch([{ what: 'it', end: new Date(Date.now() + 2 * DAY) }]);
  watch.watch([{ what: 'it', end: new Date(Date.now() + 400 * DAY) }]);
  vi.advanceTimersByTime(100 * DAY);
  expect(texts).toEqual(['it expires on 2026-01-03, in 2 days. Renew it in time.']);
  watch.close();
});
