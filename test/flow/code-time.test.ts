import { expect, test } from 'vitest';
import { codeTime } from '../../src/flow/code-time.ts';

const time = (given: unknown): number => codeTime('the time of context.sleep', given as string);

test('times of code are milliseconds or durations', () => {
  expect([20_000, '20s', '1.5m', '30d', 0, -5].map(time)).toEqual([
    20_000,
    20_000,
    90_000,
    30 * 86_400_000,
    0,
    -5,
  ]);
});

test.for([
  ['20'],
  ['20 s'],
  ['forever'],
  [''],
  [Number.NaN],
  [Number.POSITIVE_INFINITY],
  [undefined],
  [null],
  [{ time: 5 }],
])('%s is no time, and the error says what is', ([given]) => {
  expect(() => time(given)).toThrow(
    /^the time of context\.sleep must be milliseconds such as 20000, or a duration such as '20s'/,
  );
});
