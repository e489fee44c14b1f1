/** A span of the day, also across midnight. */
export interface TimeSpan {
  /** Whether it holds a minute of the day, from 0. The end is not part of it. */
  holds(minute: number): boolean;
}

/** Reads `22:00-06:00`; undefined if it is not written so. Equal ends are the whole day. */
export function timeSpan(text: string): TimeSpan | undefined {
  const found = /^(\d\d):(\d\d)-(\d\d):(\d\d)$/.exec(text);
  if (found === null) return undefined;
  const [fromHour = 0, fromMinute = 0, toHour = 0, toMinute = 0] = found.slice(1).map(Number);
  if (fromHour > 23 || toHour > 24 || fromMinute > 59 || toMinute > 59) return undefined;
  const from = fromHour * 60 + fromMinute;
  const to = toHour * 60 + toMinute;
  return {
    holds: (minute) => (from < to ? minute >= from && minute < to : minute >= from || minute < to),
  };
}
