import { expect, test } from 'vitest';
import { readCron } from '../../src/time/schedule.ts';

/** The next moments after a time, as UTC. */
function moments(text: string, zone: string, after: string, count = 1): string[] {
  const cron = readCron(text, zone);
  if ('problem' in cron) throw new Error(cron.problem);
  const found: string[] = [];
  for (let at = Date.parse(after); found.length < count; ) {
    at = cron.next(at) ?? Number.NaN;
    found.push(new Date(at).toISOString().slice(0, 16));
  }
  return found;
}

test.for([
  ['30 6 * * mon-fri', 'UTC', '2026-11-27T06:30Z', '2026-11-30T06:30'],
  ['30 6 * * mon-fri', 'UTC', '2026-11-27T06:29Z', '2026-11-27T06:30'],
  ['30 6 * * 1-5', 'Europe/Berlin', '2026-07-01T00:00Z', '2026-07-01T04:30'],
  ['*/15 * * * *', 'UTC', '2026-11-25T10:16Z', '2026-11-25T10:30'],
  ['5/20 * * * *', 'UTC', '2026-11-25T10:26Z', '2026-11-25T10:45'],
  ['0 0 1 jan *', 'UTC', '2026-01-01T00:00Z', '2027-01-01T00:00'],
  ['0 12 29 2 *', 'UTC', '2096-03-01T00:00Z', '2104-02-29T12:00'],
  ['0 0 * * 7', 'UTC', '2026-11-25T00:00Z', '2026-11-29T00:00'],
  ['0 0 13 * fri', 'UTC', '2026-11-25T00:00Z', '2026-11-27T00:00'],
  ['0 0 13 * *', 'UTC', '2026-11-25T00:00Z', '2026-12-13T00:00'],
  ['0,30 8-9 * * *', 'UTC', '2026-11-25T08:30Z', '2026-11-25T09:00'],
  // midnight here is the day before in UTC
  ['0 0 * * mon', 'Asia/Tokyo', '2026-11-25T00:00Z', '2026-11-29T15:00'],
  ['0 22 31 * *', 'America/Los_Angeles', '2026-11-25T00:00Z', '2027-01-01T06:00'],
] as const)('%s in %s after %s: %s', ([text, zone, after, expected]) => {
  expect(moments(text, zone, after)).toEqual([expected]);
});

test('in the hour that is skipped a moment comes at its end, and once', () => {
  // on 29 March 2026 the clock of Berlin goes from 02:00 to 03:00, at 01:00 UTC
  expect(moments('30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00Z', 2)).toEqual([
    '2026-03-29T01:00',
    '2026-03-30T00:30',
  ]);
});

test('in the hour that is repeated a moment comes once, unless it comes every hour', () => {
  // on 25 October 2026 the clock of Berlin goes from 03:00 back to 02:00, at 01:00 UTC
  expect(moments('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00Z', 2)).toEqual([
    '2026-10-25T00:30',
    '2026-10-26T01:30',
  ]);
  expect(moments('30 * * * *', 'Europe/Berlin', '2026-10-25T00:00Z', 3)).toEqual([
    '2026-10-25T00:30',
    '2026-10-25T01:30',
    '2026-10-25T02:30',
  ]);
});

test('a moment that never comes is none', () => {
  const cron = readCron('0 0 31 2 *', 'UTC');
  expect('problem' in cron ? cron.problem : cron.next(0)).toBeUndefined();
});

test.for([
  ['30 6 * *', 'cron has five fields'],
  ['0 30 6 * * *', 'cron has five fields'],
  ['60 6 * * *', 'invalid value for minute: 60'],
  ['0 24 * * *', 'invalid value for hour: 24'],
  ['0 0 0 * *', 'invalid value for day'],
  ['0 0 * jam *', 'jam'],
  ['0 0 * * fri-mon', 'from value is larger than to value'],
  ['*/0 0 * * *', 'illegal stepping: 0'],
  ['1-2-3 0 * * *', "illegal range: '1-2-3'"],
  [', 0 * * *', 'minute'],
  ['@dayly', 'dayly'],
])('%j is refused: %s', ([text, problem]) => {
  expect(readCron(text ?? '', 'UTC')).toEqual({ problem: expect.stringContaining(problem ?? '') });
});
