import { fromWallClock, utc, type Zone, zoneOffset } from '../../../time/zone.ts';

const TIME =
  /^(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(\.\d{1,6})?)?)?)?)?)?([+-](?:0\d|1[0-4])[0-5]\d)?$/;

/** Where a time without an offset was written. */
export interface Clock {
  readonly zone: Zone;
  /** The offset of MSH-7, such as `+0100`: by HL7 it holds for the whole message. */
  readonly offset: string | undefined;
}

/**
 * The clock of a message. By HL7 the offset of its time (MSH-7) holds for the times without one. Senders write what
 * their clock on the wall says, though: where the zone has that offset at that time, the zone holds, so that what is
 * planned in winter for summer is not an hour off.
 */
export function clockOf(sent: string, zone: Zone): Clock {
  const { hour, offset } = timeParts(sent) ?? {};
  if (offset === undefined || hour === undefined) return { zone, offset };
  const none = { zone, offset: undefined };
  return fhirDateTime(sent, none) === fhirDateTime(sent.slice(0, -5), none)
    ? none
    : { zone, offset };
}

/**
 * A v2 time as FHIR writes it, no more exact than it is; FHIR wants minutes, seconds and an offset
 * with every hour. Undefined if it is not a time.
 */
export function fhirDateTime(text: string, clock: Clock): string | undefined {
  const parts = timeParts(text);
  if (parts === undefined) return undefined;
  const { date, hour, minute = '00', second = '00', fraction = '', offset } = parts;
  if (hour === undefined) return date;
  const wall = `${date}T${hour}:${minute}:${second}`;
  return `${wall}${fraction}${offsetText(offset ?? clock.offset, wall, clock.zone)}`;
}

/** Only the date. */
export const fhirDate = (text: string): string | undefined => timeParts(text)?.date;

/** A time on a day; undefined where v2 only has the date, or less. */
export function fhirInstant(text: string, clock: Clock): string | undefined {
  const parts = timeParts(text);
  if (parts === undefined || parts.date.length < 10) return undefined;
  return fhirDateTime(parts.hour === undefined ? `${text.slice(0, 8)}000000` : text, clock);
}

/** `HHMM[SS[.S]]` as `HH:MM:SS`; undefined with an offset, which FHIR does not have there. */
export function fhirTimeOfDay(text: string): string | undefined {
  const [, hour = '', minute = '', second = '00', fraction = ''] =
    /^(\d\d)(\d\d)(?:(\d\d)(\.\d{1,6})?)?$/.exec(text) ?? [];
  const real = hour !== '' && Number(hour) < 24 && Number(minute) < 60 && Number(second) < 60;
  return real ? `${hour}:${minute}:${second}${fraction}` : undefined;
}

interface TimeParts {
  readonly date: string;
  readonly hour: string | undefined;
  readonly minute: string | undefined;
  readonly second: string | undefined;
  readonly fraction: string | undefined;
  readonly offset: string | undefined;
}

function timeParts(text: string): TimeParts | undefined {
  // zeros for what is unknown: 19800000
  const given = text
    .trim()
    .replace(/^(\d{4})0000(?:0+)?$/, '$1')
    .replace(/^(\d{6})00(?:0+)?$/, '$1');
  const found = TIME.exec(given);
  if (found === null) return undefined;
  const [, year = '', month, day, hour, minute, second, fraction, offset] = found;
  const real =
    isDay(year, month ?? '01', day ?? '01') &&
    Number(hour ?? 0) < 24 &&
    Number(minute ?? 0) < 60 &&
    Number(second ?? 0) < 60;
  if (!real) return undefined;
  const date = [year, month, day].filter((part) => part !== undefined).join('-');
  return { date, hour, minute, second, fraction, offset };
}

function isDay(year: string, month: string, day: string): boolean {
  const at = new Date(utc([Number(year), Number(month), Number(day)]));
  return (
    Number(year) > 0 && at.getUTCMonth() + 1 === Number(month) && at.getUTCDate() === Number(day)
  );
}

const two = (value: number): string => String(Math.trunc(value)).padStart(2, '0');

function offsetText(offset: string | undefined, wall: string, zone: Zone): string {
  if (offset !== undefined) {
    return /^[+-]0000$/.test(offset) ? 'Z' : `${offset.slice(0, 3)}:${offset.slice(3)}`;
  }
  const at = fromWallClock(zone, Date.parse(`${wall}Z`));
  const minutes = Math.round(zoneOffset(zone, at) / 60_000);
  if (minutes === 0) return 'Z';
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(size / 60)}:${two(size % 60)}`;
}
