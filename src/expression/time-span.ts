/** A span of the day; it may cross midnight. */
export interface TimeSpan {
  /** Whether it contains a minute of the day, counted from 0. The end is exclusive. */
  holds(minute: number): boolean;
}

/** Reads `22:00-06:00`; undefined if it is not a span. Equal ends mean the whole day. */
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
