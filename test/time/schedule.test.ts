import { expect, test } from 'vitest';
import { readSchedule, type Schedule } from '../../src/time/schedule.ts';

const schedule = (text: string): Schedule => {
  const read = readSchedule(text);
  if ('problem' in read) throw new Error(read.problem);
  return read;
};
const on = (text: string, at: string): boolean => schedule(text).isOn(Date.parse(at));

test.for([
  ['mon-fri 06:00-20:00 UTC', '2026-11-25T06:00Z', true],
  ['mon-fri 06:00-20:00 UTC', '2026-11-25T05:59Z', false],
  ['mon-fri 06:00-20:00 UTC', '2026-11-25T20:00Z', false],
  ['mon-fri 06:00-20:00 UTC', '2026-11-28T12:00Z', false],
  ['mon-fri 06:00-20:00, sat 08:00-12:00 UTC', '2026-11-28T08:30Z', true],
  ['daily 22:00-06:00 UTC', '2026-11-25T23:00Z', true],
  ['sat 22:00-06:00 UTC', '2026-11-29T05:59Z', true],
  ['sat 22:00-06:00 UTC', '2026-11-29T06:00Z', false],
  ['sat-mon 00:00-24:00 UTC', '2026-11-30T23:59Z', true],
  ['mon-fri 06:00-20:00 Europe/Berlin', '2026-11-25T05:00Z', true],
  ['mon-fri 06:00-20:00 Europe/Berlin', '2026-07-01T04:00Z', true],
  ['cron 30 6 * * mon-fri for 10m UTC', '2026-11-25T06:29Z', false],
  ['cron 30 6 * * mon-fri for 10m UTC', '2026-11-25T06:30Z', true],
  ['cron 30 6 * * mon-fri for 10m UTC', '2026-11-25T06:39Z', true],
  ['cron 30 6 * * mon-fri for 10m UTC', '2026-11-25T06:40Z', false],
  ['cron 30 6 * * mon-fri for 10m Europe/Berlin', '2026-11-25T05:35Z', true],
  ['cron 0 */4 * * * UTC', '2026-11-25T08:00:59Z', true],
  ['cron 0 */4 * * * UTC', '2026-11-25T08:01:00Z', false],
  ['cron 0 23 * * * for 2h UTC', '2026-11-26T00:59Z', true],
] as const)('%s at %s: %s', ([text, at, expected]) => {
  expect(on(text, at)).toBe(expected);
});

test.for([
  ['mon-fri 06:00-20:00 UTC', '2026-11-25T12:30:10Z', '2026-11-25T20:00:00.000Z'],
  ['mon-fri 06:00-20:00 UTC', '2026-11-27T20:00:00Z', '2026-11-30T06:00:00.000Z'],
  ['daily 02:30-03:30 Europe/Berlin', '2026-03-28T23:00:00Z', '2026-03-29T01:00:00.000Z'],
  ['sun 03:00-04:00 Europe/Berlin', '2026-10-24T12:00:00Z', '2026-10-25T02:00:00.000Z'],
  ['cron 30 6 * * mon-fri for 10m UTC', '2026-11-27T06:35:10Z', '2026-11-27T06:40:00.000Z'],
  ['cron 30 6 * * mon-fri for 10m UTC', '2026-11-27T06:40:00Z', '2026-11-30T06:30:00.000Z'],
  // turns that follow at once are one
  ['cron 0,10,20 6 * * * for 10m UTC', '2026-11-27T06:05:00Z', '2026-11-27T06:30:00.000Z'],
])('%s is switched after %s at %s', ([text, at, expected]) => {
  const next = schedule(text ?? '').nextSwitch(Date.parse(at ?? ''));
  expect(new Date(next ?? 0).toISOString()).toBe(expected);
});

test('a schedule that is always on is never switched', () => {
  expect(schedule('daily 00:00-24:00 UTC').nextSwitch(0)).toBeUndefined();
});

test.for([
  ['', 'must be days with times'],
  ['mon-fri', 'must be days with times'],
  ['mo-fr 06:00-20:00', 'mo is not a day; did you mean mon?'],
  ['mon 06:00-25:00', 'contains a time that does not exist'],
  ['mon 06:61-07:00', 'contains a time that does not exist'],
  ['cron 30 6 * * for 10m', 'cron has five fields'],
  ['cron 30 6 * * mon-fri for 10s', 'for 10s must be a duration of a minute or more'],
  ['cron 30 6 * * mon-fri for forever', 'for forever must be a duration'],
  ['cron 30 6 * * mon-fri Europe/Berlim', 'there is no time zone Europe/Berlim'],
  ['mon 06:00-07:00 Europe/Berlim', 'there is no time zone Europe/Berlim'],
])('%j is refused: %s', ([text, problem]) => {
  expect(readSchedule(text ?? '')).toEqual({ problem: expect.stringContaining(problem ?? '') });
});
