import { Cron as Pattern } from 'croner';
import { nearest } from '../error/nearest.ts';
import { milliseconds } from './duration.ts';
import { isZone, type Zone } from './zone.ts';

/** When a host is on: a weekly pattern, or for a while from certain moments on. */
export interface Schedule {
  /** As written. */
  readonly source: string;
  isOn(at: number): boolean;
  /**
   * The next time after `at` at which it switches, or has to be evaluated again, in milliseconds
   * since 1970. Undefined if never.
   */
  nextSwitch(at: number): number | undefined;
  /** The moments from which it is on, and for how many milliseconds; undefined for a weekly pattern. */
  readonly turns?: (Cron & { readonly length: number }) | undefined;
}

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
const MINUTE = 60_000;
const DAY = 24 * 60;
const WEEK = 7 * DAY;
/** More than any zone's clock is ever adjusted at once. */
const CLOCK_CHANGE = 2 * 60 + 1;

/** Minutes of the week from Sunday 00:00; `until` is exclusive and may be in the next week. */
interface Span {
  readonly from: number;
  readonly until: number;
}

/** How long a host is on from each moment of cron, unless `for` is given. */
const TURN = 60_000;

/**
 * Reads `mon-fri 06:00-20:00, sat 08:00-12:00 Europe/Berlin`: days (one, a range, or `daily`) with
 * a time of day, several separated by commas, then the time zone (that of the engine if left out).
 * A time that ends before it begins continues past midnight. Clock changes are those of the zone: a
 * switch in the skipped hour takes place at its end. Or `cron 30 6 * * mon-fri for 10m
 * Europe/Berlin`: on for ten minutes from each of these moments (a minute if `for` is left out).
 * Returns the schedule, or what is wrong with the text.
 */
export function readSchedule(source: string): Schedule | { readonly problem: string } {
  const [, spansText = source, zone] =
    /^(.*?)(?:\s+([A-Z]\w+(?:\/[\w+-]+)*))?$/.exec(source.trim()) ?? [];
  if (zone !== undefined && !isZone(zone)) return { problem: `there is no time zone ${zone}` };
  const [, cron, length] = /^cron:?\s+(.*?)(?:\s+for\s+(\S+))?$/.exec(spansText) ?? [];
  if (cron !== undefined) return inTurns(source, { cron, length, zone });
  const spans: Span[] = [];
  for (const part of spansText.split(',')) {
    const read = readSpans(part.trim());
    if ('problem' in read) return read;
    spans.push(...read.spans);
  }
  return weekly(source, spans, zone);
}

/** Whether it is on for a while from moments of cron, rather than by days and times. */
export const isInTurns = (source: string): boolean => /^\s*cron:?\s/.test(source);

function inTurns(
  source: string,
  given: { cron: string; length: string | undefined; zone: string | undefined },
): Schedule | { readonly problem: string } {
  const time = given.length === undefined ? TURN : milliseconds(given.length);
  if (time === undefined || !Number.isFinite(time) || time < TURN) {
    return { problem: `for ${given.length} must be a duration of a minute or more, such as 10m` };
  }
  const cron = readCron(given.cron, given.zone);
  return 'problem' in cron ? cron : turns(source, cron, time);
}

/** Recurring moments in cron notation. */
export interface Cron {
  /** The first moment after `at`, in milliseconds since 1970; undefined if there is none for years. */
  next(at: number): number | undefined;
}

/**
 * Reads `30 6 * * mon-fri`: minute, hour, day of the month, month, day of the week. By the clock of
 * the zone: a moment in the skipped hour comes at its end; one in the repeated hour comes once,
 * unless it comes every hour. For an invalid text, returns what is wrong with it.
 */
export function readCron(text: string, zone: Zone): Cron | { readonly problem: string } {
  // croner also reads other numbers of fields, and words such as @daily
  if (text.trim().split(/\s+/).length !== 5 && !text.startsWith('@')) {
    return { problem: 'cron has five fields, such as 30 6 * * mon-fri' };
  }
  try {
    const pattern = new Pattern(text, {
      mode: '5-part',
      paused: true,
      sloppyRanges: true,
      ...(zone === undefined ? {} : { timezone: zone }),
    });
    return { next: (at) => pattern.nextRun(new Date(at))?.getTime() };
  } catch (error) {
    // croner throws plain errors; each says what is wrong with the pattern
    const why = (error instanceof Error ? error.message : '').replace(/^CronPattern: /, '');
    return {
      problem: `${text} is not valid for cron: ${why.charAt(0).toLowerCase()}${why.slice(1)}`,
    };
  }
}

/** On for `time` milliseconds from each moment; another moment in that time extends it by as much. */
function turns(source: string, cron: Cron, time: number): Schedule {
  interface Phase {
    readonly on: boolean;
    readonly from: number;
    readonly until: number;
  }
  const phaseFrom = (at: number): Phase => {
    const first = cron.next(at - time) ?? Infinity;
    if (first > at) return { on: false, from: at, until: first };
    let last = first;
    for (let next = cron.next(last); next !== undefined; next = cron.next(last)) {
      if (next > last + time || last > at + DAY * MINUTE) break;
      last = next;
    }
    return { on: true, from: at, until: last + time };
  };
  // this is called every few seconds, and a moment costs half a millisecond
  let known: Phase = { on: false, from: 0, until: 0 };
  const phaseAt = (at: number): Phase => {
    if (at < known.from || at >= known.until) known = phaseFrom(at);
    return known;
  };
  return {
    source,
    turns: { next: (at) => cron.next(at), length: time },
    isOn: (at) => phaseAt(at).on,
    nextSwitch(at) {
      const { until } = phaseAt(at);
      return until === Infinity ? undefined : until;
    },
  };
}

function readSpans(part: string): { readonly spans: Span[] } | { readonly problem: string } {
  const found = /^([a-z]+)(?:-([a-z]+))?\s+(\d\d?):(\d\d)-(\d\d?):(\d\d)$/i.exec(part);
  if (found === null) return { problem: 'must be days with times, such as mon-fri 06:00-20:00' };
  const [, first = '', last = first, ...digits] = found;
  const [from, until] = [minuteOfDay(digits.slice(0, 2)), minuteOfDay(digits.slice(2))];
  if (Math.max(from, until) > DAY || from === DAY) {
    return { problem: `${part} contains a time that does not exist` };
  }
  const days = daysFrom(first.toLowerCase(), last.toLowerCase());
  if (typeof days === 'string') return { problem: days };
  const length = until > from ? until - from : until + DAY - from;
  return {
    spans: days.map((day) => ({ from: day * DAY + from, until: day * DAY + from + length })),
  };
}

/** Minutes from midnight, or more than a day if there is no such time. */
function minuteOfDay([hour, minute]: readonly string[]): number {
  const minutes = Number(minute);
  return minutes > 59 ? DAY + 1 : Number(hour) * 60 + minutes;
}

/** Days of the week from 0 for Sunday, or what is wrong. */
function daysFrom(first: string, last: string): number[] | string {
  if (first === 'daily' && last === first) return [0, 1, 2, 3, 4, 5, 6];
  const names: readonly string[] = DAYS;
  const unknown = [first, last].find((day) => !names.includes(day));
  if (unknown !== undefined) {
    const near = nearest(unknown, [...names, 'daily']);
    return `${unknown} is not a day; ${near === undefined ? `write ${names.join(', ')} or daily` : `did you mean ${near}?`}`;
  }
  const from = names.indexOf(first);
  const length = ((names.indexOf(last) - from + 7) % 7) + 1;
  return Array.from({ length }, (_, index) => (from + index) % 7);
}

function weekly(source: string, spans: readonly Span[], zone: string | undefined): Schedule {
  const clock = new Intl.DateTimeFormat('en-US', {
    ...(zone === undefined ? {} : { timeZone: zone }),
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const minuteOfWeek = (at: number): number => {
    const parts = new Map(clock.formatToParts(at).map(({ type, value }) => [type, value]));
    const day = (DAYS as readonly string[]).indexOf((parts.get('weekday') ?? '').toLowerCase());
    return day * DAY + Number(parts.get('hour')) * 60 + Number(parts.get('minute'));
  };
  const isOn = (at: number): boolean => {
    const minute = minuteOfWeek(at);
    return spans.some(
      ({ from, until }) =>
        (minute >= from && minute < until) || (minute + WEEK >= from && minute + WEEK < until),
    );
  };
  const edges = spans.flatMap(({ from, until }) => [from % WEEK, until % WEEK]);
  /** Minutes in which there can be no switch: until the next edge, less the most that a clock may be adjusted. */
  const leap = (minute: number): number => {
    const next = Math.min(...edges.map((edge) => (edge - minute + WEEK) % WEEK || WEEK));
    return Math.max(1, next - CLOCK_CHANGE);
  };
  return {
    source,
    isOn,
    nextSwitch(at) {
      const now = isOn(at);
      const end = at + (WEEK + DAY) * MINUTE;
      for (let time = nextMinute(at); time <= end; time += leap(minuteOfWeek(time)) * MINUTE) {
        if (isOn(time) !== now) return time;
      }
      return undefined;
    },
  };
}

const nextMinute = (at: number): number => (Math.floor(at / MINUTE) + 1) * MINUTE;
