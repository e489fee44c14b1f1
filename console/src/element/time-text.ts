import { serverNow } from '../clock/server-clock.ts';
import { language, locale } from '../language/language.ts';
import { clock, day, SECOND } from '../language/moment.ts';
import { t } from '../language/translate.ts';

export { clock, day, moment } from '../language/moment.ts';

/** Times and amounts for people: local, 24 hours, with no more of the date than needed. */
const DAY = 86_400_000;

// Swedish has ISO dates with a year only: 11/12 would be the 11th of December
const shortDays = new Intl.DateTimeFormat(locale, { month: '2-digit', day: '2-digit' });
const milliseconds = new Intl.DateTimeFormat(locale, { ...SECOND, fractionalSecondDigits: 3 });
const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat(locale, {
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});

/** `14:05:33.120`, `14:05:33,120` */
export function preciseClock(at: number): string {
  return milliseconds.format(at);
}

/** `11-25`, `25.11.` */
export function shortDay(at: number): string {
  return language === 'en' ? day(at).slice(5) : shortDays.format(at);
}

/** `2026-11-25 14:05:33.120` */
export function preciseMoment(at: number): string {
  return `${day(at)} ${preciseClock(at)}`;
}

/** `UTC+1`: the zone in which this browser shows that time. */
export function zone(at = serverNow()): string {
  const minutes = -new Date(at).getTimezoneOffset();
  if (minutes === 0) return 'UTC';
  const rest = Math.abs(minutes) % 60;
  const hours = Math.floor(Math.abs(minutes) / 60);
  return `UTC${minutes < 0 ? '−' : '+'}${hours}${rest === 0 ? '' : `:${`${rest}`.padStart(2, '0')}`}`;
}

/** Today only the time, otherwise the day before it. */
export function recent(at: number, now = serverNow()): string {
  return day(at) === day(now) ? clock(at) : `${shortDay(at)} ${clock(at)}`;
}

/** `820 ms`, `4.2 s`, `3 min`, `5.5 h`, `2 d` */
export function duration(length: number): string {
  const value = Math.max(0, length);
  if (value < 1_000) return `${whole.format(value)} ms`;
  if (value < 60_000) return `${(value < 10_000 ? tenths : whole).format(value / 1_000)} s`;
  if (value < 3_600_000) return `${Math.floor(value / 60_000)} min`;
  const hours = value / 3_600_000;
  if (value < 2 * DAY)
    return `${(hours < 10 && !Number.isInteger(hours) ? tenths : whole).format(hours)} h`;
  return `${whole.format(Math.floor(value / DAY))} d`;
}

/** `3 min ago` */
export function ago(at: number, now = serverNow()): string {
  return now - at < 1_000 ? t('now') : t('{duration} ago', { duration: duration(now - at) });
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
  return `${(value < 10 ? tenths : whole).format(value)} ${units[unit] ?? ''}`;
}

/** `12,345`, `12.345` */
export function count(value: number): string {
  return whole.format(value);
}
