import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { expiryNotice } from '../../../src/peer/tls/expiry-notice.ts';
import { type Expiring, ExpiryWatch } from '../../../src/peer/tls/expiry-watch.ts';

const DAY = 86_400_000;

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 1) });
});
afterEach(() => {
  vi.useRealTimers();
});

const ending = (what: string, days: number): Expiring => ({
  what,
  end: new Date(Date.now() + days * DAY),
  notice: expiryNotice('own', undefined),
});

test('an end is told of 30, 15 and 7 days before, and when it has come, once each', () => {
  const told: string[] = [];
  const watch = new ExpiryWatch({ event: (level, name) => told.push(`${level} ${name}`) });
  watch.watch([ending('our certificate CN=hub', 40.5)]);
  const days: Record<number, string> = {};
  for (let day = 0; day <= 45; day++) {
    const now = told.splice(0).join();
    if (now !== '') days[40 - day] = now;
    vi.advanceTimersByTime(DAY);
  }
  expect(days).toEqual({
    29: 'warn expires-soon',
    14: 'warn expires-soon',
    6: 'error expires-soon',
    [-1]: 'error expired',
  });
  watch.close();
  expect(vi.getTimerCount()).toBe(0);
});

test('a renewed one is not told of, and its successor is watched', () => {
  const texts: string[] = [];
  const watch = new ExpiryWatch({ event: (_, __, text) => texts.push(text) });
  watch.watch([ending('it', 2)]);
  watch.watch([ending('it', 400)]);
  vi.advanceTimersByTime(100 * DAY);
  expect(texts).toEqual(['it expires on 2026-01-03, in 2 days. Renew it in time.']);
  watch.close();
});

test.for([
  ['own', 365, 30, 7],
  ['own', 60, 15, 3.5],
  ['authority', 3650, 30, 7],
  ['peer', 365, 14, 3],
  ['peer', 42, 7, 1.5],
] as const)(
  'notice of %s that lives %d days begins %d days before its end, and is urgent %d days before',
  ([kind, days, warn, error]) => {
    const life = { notBefore: new Date(0), notAfter: new Date(days * DAY) };
    expect(expiryNotice(kind, life)).toEqual({ warn: warn * DAY, error: error * DAY });
  },
);

test('a revocation list is published anew every few days: a day before is soon enough', () => {
  expect(expiryNotice('revocation-list', undefined)).toEqual({ warn: DAY, error: 0 });
});
