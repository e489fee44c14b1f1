import { fromWallClock, utc, type Zone } from '../time/zone.ts';

const HL7_TIME =
  /^(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:\.(\d{1,4}))?)?)?)?)?)?([+-]\d{4})?$/;

/**
 * Reads `YYYY[MM[DD[HH[MM[SS[.S…]]]]]][±ZZZZ]`; without an offset it is local time in the zone.
 * Undefined if it is not an HL7 time.
 */
export function hl7Time(text: string, zone: Zone): Date | undefined {
  const found = HL7_TIME.exec(text.trim());
  if (found === null) return undefined;
  const [, year, month = '01', day = '01', hour = '0', minute = '0', second = '0'] = found;
  const millisecond = Math.trunc(Number(`0.${found[7] ?? '0'}`) * 1_000);
  const parts = [year, month, day, hour, minute, second].map(Number);
  const wall = utc([...parts, millisecond]);
  if (!isTrue(parts, new Date(wall))) return undefined;
  const offset = found[8];
  return new Date(offset === undefined ? fromWallClock(zone, wall) : wall - offsetTime(offset));
}

/** The 31st of February is a date in March for JavaScript, and a mistake for us. */
function isTrue(parts: readonly number[], date: Date): boolean {
  const [, month, day, hour = 0, minute = 0, second = 0] = parts;
  return (
    date.getUTCMonth() + 1 === month &&
    date.getUTCDate() === day &&
    hour < 24 &&
    minute < 60 &&
    second < 60
  );
}

function offsetTime(text: string): number {
  const minutes = Number(text.slice(1, 3)) * 60 + Number(text.slice(3, 5));
  return minutes * (text.startsWith('-') ? -60_000 : 60_000);
}
