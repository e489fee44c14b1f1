import { assert, constantFrom, integer, pre, property } from 'fast-check';
import { expect, test } from 'vitest';
import { formatDate } from '../../../src/expression/date-pattern.ts';
import { hl7Time } from '../../../src/expression/hl7-time.ts';
import { fromWallClock, wallClock } from '../../../src/time/zone.ts';
import { ADMISSION, scopeOf, valueOf } from '../../support/subject-message.ts';

const scope = scopeOf(ADMISSION);

test.for<[string, unknown]>([
  ['string(received)', '2026-01-31T15:30:00.000Z'],
  ['string(hl7Time("20260131"))', '2026-01-31T00:00:00.000Z'],
  ['string(hl7Time("2026"))', '2026-01-01T00:00:00.000Z'],
  ['string(hl7Time("202601311530+0100"))', '2026-01-31T14:30:00.000Z'],
  ['string(hl7Time("20260131153000.1234"))', '2026-01-31T15:30:00.123Z'],
  ['string(hl7Time("202607011200", "Europe/Berlin"))', '2026-07-01T10:00:00.000Z'],
  ['isTime("20260229")', false],
  ['isTime("20240229")', true],
  ['isTime("2026013124")', false],
  ['isTime("")', false],
  ['format(received, "yyyy-MM-dd HH:mm:ss.SSS Z XXX")', '2026-01-31 15:30:00.000 +0000 +00:00'],
  ['format(received, "d.M.yy H:mm", "America/New_York")', '31.1.26 10:30'],
  ["format(received, \"EEE dd MMM 'at' HH 'o''clock'\")", "Sat 31 Jan at 15 o'clock"],
  ['format(received, "yyyyMMddHHmmssZ", "Asia/Kolkata")', '20260131210000+0530'],
  ['age("19800131")', 46n],
  ['age("19800201")', 45n],
  ['age(hl7Time("20260131"))', 0n],
  ['string(addDays(received, -31))', '2025-12-31T15:30:00.000Z'],
  ['daysBetween(hl7Time("20260101"), received)', 30n],
  ['within(received, "15:30-15:31")', true],
  ['within(received, "15:00-15:30")', false],
  ['within(received, "22:00-16:00")', true],
  ['within(received, "22:00-06:00")', false],
  ['now() == received', true],
  ['received - duration("30m") < received', true],
])('%s', ([source, value]) => {
  expect(valueOf(source, scope)).toEqual(value);
});

const zones = ['UTC', 'Europe/Berlin', 'America/St_Johns', 'Asia/Kolkata', undefined] as const;

test('a time written as HL7 is read as the same time, in every zone', () => {
  const times = integer({ min: Date.UTC(1900, 0), max: Date.UTC(2100, 0) });
  assert(
    property(times, constantFrom(...zones), (time, zone) => {
      const second = Math.floor(time / 60_000) * 60_000;
      const text = formatDate(new Date(second), 'yyyyMMddHHmmZ', zone) ?? '';
      // Before time zones were kept in whole minutes, an offset cannot be written exactly.
      pre(Math.abs(wallClock(zone, second).getTime() - second) % 60_000 === 0);
      expect(hl7Time(text, zone)?.getTime()).toBe(second);
    }),
  );
});

test('a wall clock is turned back into the same time, but for the hour that comes twice', () => {
  for (const zone of zones) {
    for (let day = 0; day < 366; day++) {
      const noon = Date.UTC(2026, 0, 1, 12) + day * 86_400_000;
      expect(fromWallClock(zone, wallClock(zone, noon).getTime())).toBe(noon);
    }
  }
});

test('a date pattern that is put together wrongly fails without its text', () => {
  expect(() => valueOf('format(received, field("PID-5.1"))', scope)).toThrow(
    'a date pattern is not valid',
  );
});
