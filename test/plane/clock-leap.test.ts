import { expect, test } from 'vitest';
import { clockLeaps } from '../../src/plane/clock-leap.ts';

const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;

test('a clock that was set ahead is not trusted for an hour, or until it is set back', () => {
  let passed = 7;
  let set = 0;
  const look = clockLeaps(
    () => Date.UTC(2026, 5, 1) + passed + set,
    () => passed,
  );
  const after = (minutes: number) => {
    passed += minutes * MINUTE;
    return look();
  };
  // it may have been wrong when the machine started
  expect(after(59)).toEqual({ leap: 0, isTrusted: false });
  expect(after(1)).toEqual({ leap: 0, isTrusted: true });
  set += 400 * DAY;
  expect(after(10)).toEqual({ leap: 400 * DAY, isTrusted: false });
  expect(after(10)).toEqual({ leap: 0, isTrusted: false });
  set -= 400 * DAY;
  expect(after(10)).toEqual({ leap: 0, isTrusted: true });
  // it was right, and is so after an hour
  set += DAY;
  expect(after(10).isTrusted).toBe(false);
  expect(after(59).isTrusted).toBe(false);
  expect(after(1).isTrusted).toBe(true);
  // a clock that is adjusted a little, and one set back
  set += MINUTE;
  expect(after(10).isTrusted).toBe(true);
  set -= DAY;
  expect(after(10).isTrusted).toBe(true);
});
