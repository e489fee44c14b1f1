const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/**
 * The time in a line of `LIST`, which has no seconds, often no year and an unknown time zone: good
 * enough to sort by. Milliseconds since 1970, or 0 where it cannot be read.
 */
export function listTime(text: string, now = Date.now()): number {
  return unixTime(text, now) ?? dosTime(text) ?? 0;
}

/** `Nov 24 12:00` of the last twelve months, or `Nov 24 2024`. */
function unixTime(text: string, now: number): number | undefined {
  const [, name = '', day, hour, minute, year] =
    /^([a-z]{3})\s+(\d{1,2})\s+(?:(\d{1,2}):(\d{2})|(\d{4}))$/i.exec(text.trim()) ?? [];
  const month = MONTHS.indexOf(name.toLowerCase());
  if (month < 0) return undefined;
  if (year !== undefined) return Date.UTC(Number(year), month, Number(day));
  const inYear = (one: number): number =>
    Date.UTC(one, month, Number(day), Number(hour), Number(minute));
  const thisYear = new Date(now).getUTCFullYear();
  // A day of slack for time zones.
  return inYear(thisYear) > now + 86_400_000 ? inYear(thisYear - 1) : inYear(thisYear);
}

/** `11-24-26 03:07PM` or `11-24-2026 15:07`. */
function dosTime(text: string): number | undefined {
  const [, month, day, year, hour, minute, half] =
    /^(\d{1,2})-(\d{1,2})-(\d{2}|\d{4})\s+(\d{1,2}):(\d{2})\s*([AP]M)?$/i.exec(text.trim()) ?? [];
  if (month === undefined) return undefined;
  const century = year?.length === 2 ? 2_000 : 0;
  const twelve = half === undefined ? Number(hour) : Number(hour) % 12;
  const afternoon = half?.toUpperCase() === 'PM' ? 12 : 0;
  return Date.UTC(
    century + Number(year),
    Number(month) - 1,
    Number(day),
    twelve + afternoon,
    Number(minute),
  );
}
