import { afterEach, expect, test, vi } from 'vitest';
import { lately } from '../../src/time/remembered.ts';

afterEach(() => {
  vi.useRealTimers();
});

test('only the first caller waits: an older value is given while a newer one is fetched, once', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  let asked = 0;
  let answer = Promise.withResolvers<number>();
  const known = lately({ renewed: 1_000, atMost: 10_000 }, () => {
    asked += 1;
    return answer.promise;
  });
  const value = (): Promise<number> => known.get();
  const first = [value(), value()];
  answer.resolve(1);
  expect(await Promise.all(first)).toEqual([1, 1]);
  expect(asked).toBe(1);

  vi.advanceTimersByTime(1_500);
  answer = Promise.withResolvers<number>();
  expect(await Promise.all([value(), value()])).toEqual([1, 1]);
  expect(asked).toBe(2);
  answer.resolve(2);
  await vi.waitFor(async () => expect(await value()).toBe(2));

  // a failure is told to who asks next, and so is what comes after a long time
  vi.advanceTimersByTime(1_500);
  answer = Promise.withResolvers<number>();
  expect(await value()).toBe(2);
  answer.reject(new Error('away'));
  await vi.waitFor(async () => expect(await value().catch(String)).toBe('Error: away'));
  answer = Promise.withResolvers<number>();
  answer.resolve(3);
  expect(await value()).toBe(3);
  vi.advanceTimersByTime(60_000);
  answer = Promise.withResolvers<number>();
  const late = value();
  answer.resolve(4);
  expect(await late).toBe(4);

  // what was being fetched when it was forgotten is given to nobody else
  known.forget();
  answer = Promise.withResolvers<number>();
  const before = answer;
  const asker = value();
  known.forget();
  answer = Promise.withResolvers<number>();
  answer.resolve(6);
  expect(await value()).toBe(6);
  before.resolve(5);
  expect(await asker).toBe(5);
  expect(await value()).toBe(6);
});
