import { expect, test } from 'vitest';
import { isScheduledOn } from '../../src/production/scheduler.ts';

test('a host without a schedule is always on; one with a schedule when it says so', () => {
  const noon = Date.parse('2026-11-25T12:00:00Z'); // a Wednesday
  expect(isScheduledOn(undefined, noon)).toBe(true);
  expect(isScheduledOn('mon-fri 08:00-18:00 UTC', noon)).toBe(true);
  expect(isScheduledOn('sat 08:00-18:00 UTC', noon)).toBe(false);
});
