import { expect, test } from 'vitest';
import { codeTime } from '../../src/flow/code-time.ts';

test('times of code are milliseconds or durations', () => {
  const time = (given: unknown): number => codeTime('the time of context.sleep', given as string);
  expect([20_000, '20s', '1.5m', '30d', 0, -5].map(time)).toEqual([
    20_000, 20_000, 90_000, 30 * 86_400_000, 0, -5,
  ]);
  const wrong = ['20', '20 s', 'forever', '', Number.NaN, Number.POSITIVE_INFINITY, undefined, null];
  for (const given of [...wrong, { time: 5 }, 5n]) {
    expect(() => time(given), String(given)).toThrow(
      /^the time of context\.sleep must be milliseconds such as 20000, or a duration such as '20s'/,
    );
  }
});
