import { expect, test } from 'vitest';
import { clockLeaps, type SeenClock } from '../../src/plane/regular-purge.ts';

const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;

test('a clock that was set ahead is not trusted for an hour, or until it is set back', () => {
  let passed = 7;
  let set = 0;
  const look = clockLeaps(
    undefined,
    () => Date.UTC(2026, 5, 1) + passed + set,
    () => passed,
  );
  const after = (minutes: number) => {
    passed += minutes * MINUTE;
    return look();
  };
  // it may have been wrong when the machine started
  expect(after(59)).toMatchObject({ leap: 0, isTrusted: false });
  expect(after(1)).toMatchObject({ leap: 0, isTrusted: true });
  set += 400 * DAY;
  expect(after(10)).toMatchObject({ leap: 400 * DAY, isTrusted: false });
  expect(after(10)).toMatchObject({ leap: 0, isTrusted: false });
  set -= 400 * DAY;
  expect(after(10)).toMatchObject({ leap: 0, isTrusted: true });
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

test('the hour goes on over restarts, and begins anew when nobody has looked for long, or the clock was set meanwhile', () => {
  let time = Date.UTC(2026, 5, 1);
  let seen: SeenClock | undefined;
  /** A start, some minutes after the last one ended, whose clock tells whether it is trusted before it ends. */
  const startAfter = (away: number, minutes: number): boolean => {
    time += away * MINUTE;
    let passed = 3;
    const look = clockLeaps(
      seen,
      () => time,
      () => passed,
    );
    let isTrusted = false;
    for (let minute = 0; minute <= minutes; minute++) {
      ({ isTrusted, seen } = look());
      if (minute === minutes) break;
      time += MINUTE;
      passed += MINUTE;
    }
    return isTrusted;
  };
  expect(startAfter(0, 50)).toBe(false);
  expect(startAfter(1, 8)).toBe(false);
  expect(startAfter(1, 0)).toBe(true);
  // from now on at once
  expect(startAfter(2, 0)).toBe(true);
  // off for a night, or set ahead while nothing ran
  expect(startAfter(16, 59)).toBe(false);
  expect(startAfter(0, 1)).toBe(true);
  // set back
  expect(startAfter(-2 * 1_440, 0)).toBe(true);
});
