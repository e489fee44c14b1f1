import { fromWallClock, utc, wallClock, type Zone, zoneOffset } from './zone.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Until the next 29 February there are eight years at most. */
const FARTHEST = 9 * 366;

const MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ');
const DAYS = 'sun mon tue wed thu fri sat'.split(' ');

/** One of the five fields: its bounds, and the names that stand for numbers from `from` on. */
interface Field {
  readonly what: string;
  readonly from: number;
  readonly to: number;
  readonly names?: readonly string[];
}

const FIELDS = [
  { what: 'minute', from: 0, to: 59 },
  { what: 'hour', from: 0, to: 23 },
  { what: 'day of the month', from: 1, to: 31 },
  { what: 'month', from: 1, to: 12, names: MONTHS },
  { what: 'day of the week', from: 0, to: 7, names: DAYS },
] as const satisfies readonly Field[];

/** Moments that come again and again, as cron writes them. */
export interface Cron {
  /** The first moment after `at`, in milliseconds since 1970; undefined if there is none in years. */
  next(at: number): number | undefined;
}

/**
 * Reads `30 6 * * mon-fri`: minute, hour, day of the month, month, day of the week, each a number, a
 * name, a range, a list, or a step (all with `/15`). Where both days are given either will do, as in cron.
 * By the clock of the zone: a moment in the hour that is skipped comes at its end; one in the hour that
 * is repeated comes once, unless the hour is `*`. Gives what is wrong with a text that is none.
 */
export function readCron(text: string, zone: Zone): Cron | { readonly problem: string } {
  const parts = text.trim().toLowerCase().split(/\s+/);
  if (parts.length !== FIELDS.length) {
    return { problem: 'cron has five fields, such as 30 6 * * mon-fri' };
  }
  const sets: Set<number>[] = [];
  for (const [index, field] of FIELDS.entries()) {
    const numbers = readField(parts[index] ?? '', field);
    if (numbers === undefined) {
      return { problem: `${parts[index]} is no ${field.what} from ${field.from} to ${field.to}` };
    }
    sets.push(new Set(numbers));
  }
  const [minutes, hours, dates, months, days] = sets as [
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
  ];
  if (days.has(7)) days.add(0);
  const either = parts[2] !== '*' && parts[4] !== '*';
  const isDay = (day: Date): boolean => {
    const [date, weekday] = [dates.has(day.getUTCDate()), days.has(day.getUTCDay())];
    return months.has(day.getUTCMonth() + 1) && (either ? date || weekday : date && weekday);
  };
  const everyHour = parts[1]?.startsWith('*') === true;
  const momentsOf = (day: Date): number[] =>
    [...hours]
      .flatMap((hour) =>
        [...minutes].flatMap((minute) =>
          momentsAt(zone, day.getTime() + hour * HOUR + minute * 60_000, everyHour),
        ),
      )
      .toSorted((a, b) => a - b);
  // what comes next is asked again and again on the same few days
  const known = new Map<number, number[]>();
  const moments = (day: Date): number[] => {
    const before = known.get(day.getTime());
    if (before !== undefined) return before;
    if (known.size > 8) known.clear();
    const found = isDay(day) ? momentsOf(day) : [];
    known.set(day.getTime(), found);
    return found;
  };
  return {
    next(at) {
      const wall = wallClock(zone, at);
      // from the day before, since a change of the clocks may move a moment over midnight
      const first = utc([wall.getUTCFullYear(), wall.getUTCMonth() + 1, wall.getUTCDate()]) - DAY;
      for (let count = 0; count < FARTHEST; count++) {
        const day = new Date(first + count * DAY);
        const found = moments(day).find((moment) => moment > at);
        if (found !== undefined) return found;
      }
      return undefined;
    },
  };
}

function readField(text: string, field: Field): number[] | undefined {
  const numbers: number[] = [];
  for (const part of text.split(',')) {
    const [, range = '', step = '1'] = /^([^/]+)(?:\/(\d+))?$/.exec(part) ?? [];
    const [from, to] = bounds(range, field, part.includes('/'));
    if (from === undefined || to === undefined || from > to || Number(step) === 0) return undefined;
    for (let number = from; number <= to; number += Number(step)) numbers.push(number);
  }
  return numbers;
}

/** `*`, `5`, `5-7`, `mon-fri`; with a step `5/10` goes on to the end. */
function bounds(range: string, field: Field, stepped: boolean): (number | undefined)[] {
  if (range === '*') return [field.from, field.to];
  const [first = '', last, more] = range.split('-');
  if (more !== undefined) return [];
  const from = numberOf(first, field);
  if (last !== undefined) return [from, numberOf(last, field)];
  return [from, stepped ? field.to : from];
}

function numberOf(text: string, { from, to, names = [] }: Field): number | undefined {
  const named = names.indexOf(text);
  const number = named >= 0 ? named + from : /^\d+$/.test(text) ? Number(text) : -1;
  return number >= from && number <= to ? number : undefined;
}

/** When the zone's clock shows a wall time: once, or twice where the clock was set back. */
function momentsAt(zone: Zone, wall: number, both: boolean): number[] {
  const offsets = [wall - DAY, wall + DAY].map((at) => zoneOffset(zone, at));
  const moments = [...new Set(offsets)]
    .map((offset) => wall - offset)
    .filter((at) => wallClock(zone, at).getTime() === wall)
    .toSorted((a, b) => a - b);
  if (moments.length === 0) return [endOfGap(zone, fromWallClock(zone, wall))];
  return both ? moments : moments.slice(0, 1);
}

/** The moment at which the zone's clock jumped, near `at`. */
function endOfGap(zone: Zone, at: number): number {
  let [before, after] = [at - 3 * HOUR, at + 3 * HOUR];
  const offset = zoneOffset(zone, after);
  while (after - before > 1_000) {
    const middle = Math.floor((before + after) / 2_000) * 1_000;
    if (zoneOffset(zone, middle) === offset) after = middle;
    else before = middle;
  }
  return after;
}
