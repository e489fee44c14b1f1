import { fromWallClock, isZone, wallClock, type Zone } from '../../time/zone.ts';
import { formatDate } from '../date-pattern.ts';
import { ExpressionFault } from '../fault.ts';
import { hl7Time } from '../hl7-time.ts';
import { timeSpan } from '../time-span.ts';
import { type ExpressionFunction, TIMESTAMP } from './expression-function.ts';

const DAY = 86_400_000;

/** Functions on times. Where no zone is named, `zone` applies: the production's own. */
export function timeFunctions(now: () => number, zone: Zone): readonly ExpressionFunction[] {
  const read = (text: string, where: Zone = zone): Date => {
    const time = hl7Time(text, where);
    if (time === undefined) throw new ExpressionFault('a text is not an HL7 time such as 20260131');
    return time;
  };
  return [
    {
      signature: `now(): ${TIMESTAMP}`,
      help: 'The time of evaluation.',
      call: () => new Date(now()),
    },
    ...readingFunctions(read),
    ...calendarFunctions(zone),
    {
      signature: 'age(string): int',
      help: 'Whole years from a date of birth as in PID-7 until now. Fails if it is not a date.',
      call: (born: string) => years(wallClock(zone, read(born).getTime()), wallClock(zone, now())),
    },
    {
      signature: `age(${TIMESTAMP}): int`,
      help: 'Whole years from a time until now.',
      call: (born: Date) => years(wallClock(zone, born.getTime()), wallClock(zone, now())),
    },
  ];
}

function readingFunctions(
  read: (text: string, where?: Zone) => Date,
): readonly ExpressionFunction[] {
  return [
    {
      signature: `hl7Time(string): ${TIMESTAMP}`,
      help: 'Reads an HL7 time: 20260131, 202601311530, 20260131153000+0100. Fails if it is not one; see isTime.',
      call: (text: string) => read(text),
    },
    {
      signature: `hl7Time(string, string): ${TIMESTAMP}`,
      help: 'Reads an HL7 time that was written in a time zone such as Europe/Berlin.',
      call: (text: string, where: string) => read(text, knownZone(where)),
    },
    {
      signature: 'isTime(string): bool',
      help: 'Whether a text is an HL7 time.',
      call: (text: string) => hl7Time(text, 'UTC') !== undefined,
    },
    {
      signature: `string(${TIMESTAMP}): string`,
      help: 'In ISO 8601, in UTC: 2026-01-31T14:30:00.000Z.',
      call: (at: Date) => at.toISOString(),
    },
    {
      signature: `daysBetween(${TIMESTAMP}, ${TIMESTAMP}): int`,
      help: 'Whole days from the first time to the second; negative if the second is earlier.',
      call: (from: Date, until: Date) =>
        BigInt(Math.trunc((until.getTime() - from.getTime()) / DAY)),
    },
  ];
}

function calendarFunctions(zone: Zone): readonly ExpressionFunction[] {
  return [
    {
      signature: `format(${TIMESTAMP}, string): string`,
      help: 'By a pattern: format(received, "yyyy-MM-dd HH:mm"). Letters: yyyy yy MMM MM M dd d EEE HH H mm ss SSS Z XXX.',
      call: (at: Date, pattern: string) => formatted(at, pattern, zone),
    },
    {
      signature: `format(${TIMESTAMP}, string, string): string`,
      help: 'By a pattern, in a time zone such as Europe/Berlin.',
      call: (at: Date, pattern: string, where: string) => formatted(at, pattern, knownZone(where)),
    },
    {
      signature: `addDays(${TIMESTAMP}, int): ${TIMESTAMP}`,
      help: 'The same time of day that many days later, or earlier if negative.',
      call: (at: Date, days: bigint) =>
        new Date(fromWallClock(zone, wallClock(zone, at.getTime()).getTime() + Number(days) * DAY)),
    },
    {
      signature: `within(${TIMESTAMP}, string): bool`,
      help: 'Whether the time of day is within a span: within(now(), "22:00-06:00").',
      call: (at: Date, span: string) => {
        const read = timeSpan(span);
        if (read === undefined) throw new ExpressionFault('a span is not written as 22:00-06:00');
        const minute = Math.floor((wallClock(zone, at.getTime()).getTime() % DAY) / 60_000);
        return read.holds((minute + 1_440) % 1_440);
      },
    },
  ];
}

function formatted(at: Date, pattern: string, zone: Zone): string {
  const text = formatDate(at, pattern, zone);
  if (text === undefined) throw new ExpressionFault('a date pattern is not valid');
  return text;
}

function knownZone(name: string): string {
  if (!isZone(name)) throw new ExpressionFault('there is no such time zone');
  return name;
}

function years(from: Date, until: Date): bigint {
  const beforeBirthday =
    until.getUTCMonth() < from.getUTCMonth() ||
    (until.getUTCMonth() === from.getUTCMonth() && until.getUTCDate() < from.getUTCDate());
  return BigInt(until.getUTCFullYear() - from.getUTCFullYear() - (beforeBirthday ? 1 : 0));
}
