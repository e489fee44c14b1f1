import { LRUCache } from 'lru-cache';

/**
 * The wall clock of a time zone. Hospital systems write local times without a zone, so every date
 * function needs one; undefined is the engine's own zone.
 */
export type Zone = string | undefined;

/** Few are in use, and each takes kilobytes; a caller may spell a name in any mixture of upper and lower case. */
const formats = new LRUCache<string, Intl.DateTimeFormat>({ max: 100 });

/** Whether there is a time zone of that name, such as `Europe/Berlin`. */
export function isZone(name: string): boolean {
  try {
    formatOf(name);
    return true;
  } catch {
    // RangeError: Intl knows no such zone
    return false;
  }
}

/** Milliseconds by which the zone's clock is ahead of UTC at that time. */
export function zoneOffset(zone: Zone, at: number): number {
  if (zone === 'UTC') return 0;
  if (zone === undefined) return -new Date(at).getTimezoneOffset() * 60_000;
  const wall: Record<string, number> = {};
  for (const { type, value } of formatOf(zone).formatToParts(at)) wall[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = wall;
  return utc([year, month, day, hour, minute, second]) - Math.floor(at / 1_000) * 1_000;
}

/** The zone's wall time at that moment, to be read with the UTC getters of the Date. */
export function wallClock(zone: Zone, at: number): Date {
  return new Date(at + zoneOffset(zone, at));
}

/** The moment at which the zone's clock shows that wall time (given as if it were UTC). */
export function fromWallClock(zone: Zone, wall: number): number {
  const guess = wall - zoneOffset(zone, wall);
  // Twice, since the first offset is that of a different moment, perhaps across a clock change.
  return wall - zoneOffset(zone, guess);
}

/**
 * Milliseconds since 1970 of year, month (1–12), day, hour, minute, second and millisecond; years
 * below 100 are taken literally.
 */
export function utc(parts: readonly number[]): number {
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0, millisecond = 0] = parts;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.setUTCHours(hour, minute, second, millisecond);
}

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const fresh = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  formats.set(zone, fresh);
  return fresh;
}
