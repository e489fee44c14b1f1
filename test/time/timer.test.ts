import { expect, test } from 'vitest';
import { after, timeLimit, timerTime, wait } from '../../src/time/timer.ts';

const MONTHS = 60 * 86_400_000;

test('what is longer than a timer of Node can wait does not end at once', async () => {
  let ended = 0;
  const end = (): void => void (ended += 1);
  const timers = [after(MONTHS, end), after(Number.POSITIVE_INFINITY, end)];
  const limit = timeLimit(MONTHS);
  const stop = new AbortController();
  const waiting = wait(MONTHS, { signal: stop.signal }).then(end, () => 'aborted');
  await wait(30);
  expect(ended).toBe(0);
  expect(limit.signal.aborted).toBe(false);
  stop.abort();
  expect(await waiting).toBe('aborted');
  for (const timer of [...timers, limit]) timer.stop();
  expect(timerTime(MONTHS)).toBeLessThan(2 ** 31);
});

test('a short one ends in its time, and a stopped one never', async () => {
  const ended: string[] = [];
  after(10, () => ended.push('first'));
  after(10, () => ended.push('stopped')).stop();
  const limit = timeLimit(10);
  await wait(40);
  expect(ended).toEqual(['first']);
  expect(limit.signal.aborted).toBe(true);
});

test('a time that has passed already ends at once, and Node warns of nothing', async () => {
  const warned: string[] = [];
  const hear = ({ name }: Error): void => void warned.push(name);
  process.on('warning', hear);
  await new Promise<void>((resolve) => after(-3, resolve));
  await wait(5);
  process.off('warning', hear);
  expect(warned).toEqual([]);
});
