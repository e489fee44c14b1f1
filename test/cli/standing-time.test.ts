import { expect, test } from 'vitest';
import { lookAtMain, standingTime } from '../../src/cli/standing-time.ts';

test.for([
  ['an endless loop on a machine with nothing else to do', { at: 1_000, waited: 10 }, 990],
  ['a start of which a busy machine runs a tenth', { at: 10_000, waited: 9_000 }, 1_000],
  ['one that got no processor at all', { at: 5_000, waited: 5_100 }, 0],
  ['a machine that slept for an hour', { at: 3_600_000, waited: 20 }, 1_000],
  ['a system that does not say for how long it waited', { at: 1_010, waited: undefined }, 1_000],
] as const)('%s stands still for as long as it could have run', ([, now, expected]) => {
  expect(standingTime({ at: 0, waited: now.waited && 0 }, now, 1_000)).toBe(expected);
});

test.skipIf(process.platform !== 'linux')('Linux says how long a thread waited', () => {
  const before = lookAtMain();
  expect(before.waited).toBeGreaterThan(0);
  expect(lookAtMain().waited).toBeGreaterThanOrEqual(before.waited ?? Number.NaN);
});
