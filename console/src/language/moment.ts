import { language, locale } from './language.ts';

// English dates differ between London and New York: ISO is used instead, as in Swedish.
const dates = language === 'en' ? 'sv' : locale;
const days = new Intl.DateTimeFormat(dates, { year: 'numeric', month: '2-digit', day: '2-digit' });
export const SECOND = {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
} as const;
const seconds = new Intl.DateTimeFormat(locale, SECOND);

/** `14:05:33` */
export function clock(at: number): string {
  return seconds.format(at);
}

/** `2026-11-25`, `25.11.2026` */
export function day(at: number): string {
  return days.format(at);
}

/** `2026-11-25 14:05:33` */
export function moment(at: number): string {
  return `${day(at)} ${clock(at)}`;
}

const UTC = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g;

/** The times in a text of the server, which knows no zone of its readers, as all other times of the console. */
export const withLocalTimes = (text: string): string =>
  text.replaceAll(UTC, (time) => {
    const at = Date.parse(time);
    return Number.isNaN(at) ? time : moment(at);
  });
