import { wallClock, type Zone } from '../../../time/zone.ts';

const TIME =
  /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?)?)?$/;

/**
 * A date or time of FHIR as v2 writes it, no more exact than it is. With a zone it is the time on a
 * clock there, without an offset; otherwise as it is, with its offset. Undefined if it is none.
 */
export function v2Time(text: string, zone: Zone): string | undefined {
  const found = TIME.exec(text.trim());
  if (found === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction, offset] = found;
  // v2 has four digits of a second
  const part = fraction?.slice(0, 5);
  if (hour === undefined || zone === undefined || offset === undefined) {
    return [year, month, day, hour, minute, second, part, v2Offset(offset)].join('');
  }
  const at = Date.parse(text.trim().replace(/(T\d\d:\d\d)(?!:)/, '$1:00'));
  const digits = second === undefined ? 12 : 14;
  return Number.isNaN(at) ? undefined : onClock(at, zone).slice(0, digits) + (part ?? '');
}

const onClock = (at: number, zone: Zone): string =>
  wallClock(zone, at).toISOString().replaceAll(/[-:T]/g, '').slice(0, 14);

const v2Offset = (offset: string | undefined): string =>
  offset === undefined ? '' : offset === 'Z' ? '+0000' : offset.replace(':', '');

/** `HH:MM:SS` as `HHMMSS`. */
export function v2TimeOfDay(text: string): string | undefined {
  const [, hour, minute, second, fraction = ''] = /^(\d\d):(\d\d):(\d\d)(\.\d+)?$/.exec(text) ?? [];
  return hour === undefined ? undefined : `${hour}${minute}${second}${fraction.slice(0, 5)}`;
}
