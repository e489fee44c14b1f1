import { expect, test } from 'vitest';
import { keepsDigits, writesBack } from '../../../src/document/json/exact-json.ts';

/** The same numbers in each run. */
function* numbers(): Generator<string> {
  let seed = 4711;
  const next = (below: number): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  const digits = (count: number): string =>
    Array.from({ length: count }, () => '0123456789'[next(10)] ?? '0').join('');
  for (let at = 0; at < 6_000; at++) {
    const whole = next(3) === 0 ? '0' : `${1 + next(9)}${digits(next(20))}`;
    const fraction = next(2) === 0 ? '' : `.${'0'.repeat(next(8))}${digits(1 + next(18))}`;
    const exponent = next(8) === 0 ? `e${next(2) === 0 ? '' : '-'}${next(30)}` : '';
    yield `${next(4) === 0 ? '-' : ''}${whole}${fraction}${exponent}`;
  }
  yield* ['0', '-0', '-0.0', '1e21', '0.000001', '0.0000001', '9007199254740993', '100', '-10'];
}

test('a text is only called unchanged if each of its numbers is', () => {
  let kept = 0;
  for (const number of numbers()) {
    const expected = keepsDigits(number);
    if (expected) kept++;
    for (const text of [
      number,
      `[${number}]`,
      `{"a": ${number}}`,
      `{"a":${number},"b":1}`,
      `[1,${number} ]`,
    ]) {
      expect(writesBack(text), text).toBe(expected);
    }
  }
  expect(kept).toBeGreaterThan(600);
});
