/** Times as a person at a console reads them: local, 24 hours, no more of the date than is needed. */
const DAY = 86_400_000;
const pad = (value: number, width = 2): string => `${value}`.padStart(width, '0');

/** `14:05:33.120` */
export function clock(at: number, milliseconds = true): string {
  const time = new Date(at);
  const text = `${pad(time.getHours())}:${pad(time.getMinutes())}:${pad(time.getSeconds())}`;
  return milliseconds ? `${text}.${pad(time.getMilliseconds(), 3)}` : text;
}

/** `2026-11-25` */
export function day(at: number): string {
  const time = new Date(at);
  return `${time.getFullYear()}-${pad(time.getMonth() + 1)}-${pad(time.getDate())}`;
}

/** `2026-11-25 14:05:33.120` */
export function moment(at: number, milliseconds = true): string {
  return `${day(at)} ${clock(at, milliseconds)}`;
}

/** `UTC+1`: the zone in which this browser shows that time. */
export function zone(at = Date.now()): string {
  const minutes = -new Date(at).getTimezoneOffset();
  if (minutes === 0) return 'UTC';
  const rest = Math.abs(minutes) % 60;
  const hours = Math.floor(Math.abs(minutes) / 60);
  return `UTC${minutes < 0 ? '−' : '+'}${hours}${rest === 0 ? '' : `:${pad(rest)}`}`;
}

/** `1 day`, `3 days` */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** Today only the time, otherwise the day before it. */
export function recent(at: number, now = Date.now()): string {
  return day(at) === day(now) ? clock(at, false) : `${day(at).slice(5)} ${clock(at, false)}`;
}

/** `820 ms`, `4.2 s`, `3 min`, `5 h`, `2 d` */
export function duration(milliseconds: number): string {
  const value = Math.max(0, milliseconds);
  if (value < 1_000) return `${Math.round(value)} ms`;
  if (value < 60_000) return `${(value / 1_000).toFixed(value < 10_000 ? 1 : 0)} s`;
  if (value < 3_600_000) return `${Math.floor(value / 60_000)} min`;
  if (value < 2 * DAY) return `${(value / 3_600_000).toFixed(value < 36_000_000 ? 1 : 0)} h`;
  return `${Math.floor(value / DAY)} d`;
}

/** `3 min ago` */
export function ago(at: number, now = Date.now()): string {
  return now - at < 1_000 ? 'now' : `${duration(now - at)} ago`;
}

/** `1.2 kB` */
export function bytes(size: number): string {
  if (size < 1_000) return `${size} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = size / 1_000;
  let unit = 0;
  while (value >= 1_000 && unit < units.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit] ?? ''}`;
}

/** `12 345` */
export function count(value: number): string {
  return value.toLocaleString('en').replaceAll(',', '\u202f');
}
