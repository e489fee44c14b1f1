import { expect, test, vi } from 'vitest';
import { newsFilter } from '../../src/peer/index.ts';

test('the same thing is news once in its time, another thing at once', () => {
  vi.useFakeTimers();
  try {
    const isNews = newsFilter(1_000);
    expect([isNews('a'), isNews('a'), isNews('b')]).toEqual([true, false, true]);
    vi.advanceTimersByTime(1_001);
    expect([isNews('a'), isNews('a')]).toEqual([true, false]);
  } finally {
    vi.useRealTimers();
  }
});

test('a clock that is set back by a year silences nothing', () => {
  vi.useFakeTimers();
  try {
    const isNews = newsFilter(1_000);
    isNews('a');
    vi.setSystemTime(Date.now() - 365 * 86_400_000);
    vi.advanceTimersByTime(1_001);
    expect(isNews('a')).toBe(true);
  } finally {
    vi.useRealTimers();
  }
});

test('a flood of different things does not grow without end', () => {
  const isNews = newsFilter(60_000, 10);
  for (let n = 0; n < 100; n++) isNews(`${n}`);
  expect(isNews('0'), 'the oldest were forgotten').toBe(true);
});

test('what keeps coming is no news, whatever floods in between', () => {
  const isNews = newsFilter(60_000, 10);
  isNews('again');
  for (let n = 0; n < 100; n++) {
    isNews(`${n}`);
    expect(isNews('again')).toBe(false);
  }
});
