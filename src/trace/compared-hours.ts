import { fromWallClock, wallClock, type Zone } from '../time/zone.ts';
import type { TraceReader } from './trace-store.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** What came to a host in an hour and failed there. */
interface HourCount {
  readonly in: number;
  readonly errors: number;
  /** It did not run for so much of the hour that the numbers say little. */
  readonly partly: boolean;
}

/** Why an hour has no numbers; it is never that nothing came. */
export type MissingHour = 'no-such-hour' | 'unknown' | 'partly';

/** The same hour by the wall clock of another day. */
export interface ComparedHour {
  /** Days before. */
  readonly days: number;
  /** Start; undefined if that day's clock had no such hour. */
  readonly at: number | undefined;
  readonly missing: MissingHour | undefined;
  readonly in: number;
  readonly errors: number;
  /** What came in the hour that is compared, at the same hosts. */
  readonly now: { readonly in: number; readonly errors: number };
  /** How many hosts are known in both hours; only these count, so that a new or renamed one changes nothing. */
  readonly hosts: number;
}

/** Counts of whole hours of UTC by host. */
export interface HourCounts {
  /** Hosts of which nothing is known in that hour are left out. */
  of(at: number): Promise<ReadonlyMap<string, HourCount>>;
}

/** A host that ran less counts as partly known. */
const ENOUGH = 0.6;
/** The most counts in memory, over all hours. */
const REMEMBERED = 100_000;
/** Milliseconds for which the counts of an hour that has just ended are believed. */
const SOON = 60_000;

/**
 * Reads counts of past hours and remembers them: the longer an hour is over, the longer, since only
 * late outcomes change it.
 */
export function hourCounts(
  trace: Pick<TraceReader, 'statistics' | 'hostHours'>,
  now: () => number = Date.now,
): HourCounts {
  type Known = { readonly counts: Promise<ReadonlyMap<string, HourCount>>; readonly until: number };
  const known = new Map<number, Known>();
  let size = 0;
  const forget = (at: number): void => void known.delete(at);
  const trim = (counts: ReadonlyMap<string, HourCount>): void => {
    size += counts.size + 1;
    if (size <= REMEMBERED) return;
    known.clear();
    size = 0;
  };
  return {
    async of(at) {
      const found = known.get(at);
      if (found !== undefined && now() < found.until) return found.counts;
      const over = now() - at - HOUR;
      const counts = readHour(trace, at);
      known.set(at, { counts, until: now() + Math.max(SOON, over / 10) });
      try {
        trim(await counts);
      } catch (error) {
        forget(at);
        throw error;
      }
      return counts;
    },
  };
}

async function readHour(
  trace: Pick<TraceReader, 'statistics' | 'hostHours'>,
  at: number,
): Promise<ReadonlyMap<string, HourCount>> {
  const [counted, ran] = await Promise.all([
    trace.statistics({ from: at, to: at + HOUR - 1, step: HOUR }),
    trace.hostHours({ from: at, to: at }),
  ]);
  const parts = new Map(ran.map((one) => [one.host, one.ran]));
  const counts = new Map<string, HourCount>();
  for (const [host, part] of parts) counts.set(host, { in: 0, errors: 0, partly: part < ENOUGH });
  for (const { host, in: came, errors } of counted) {
    // before hosts were recorded, numbers are the only sign that one ran
    counts.set(host, { in: came, errors, partly: (parts.get(host) ?? 1) < ENOUGH });
  }
  return counts;
}

/** The moment at which the wall clock showed the same so many days before; undefined if it never did. */
export function sameTime(zone: Zone, at: number, days: number): number | undefined {
  const wall = wallClock(zone, at).getTime() - days * DAY;
  const moment = fromWallClock(zone, wall);
  // skipped in spring; or moved by a part of an hour, and then it is none of the hours that are counted
  if (wallClock(zone, moment).getTime() !== wall || moment % HOUR !== 0) return undefined;
  return moment;
}

/** Compares an hour with the same one of other days, over hosts that are known in both. */
export async function compareHour(
  counts: HourCounts,
  {
    at,
    zone,
    hosts,
    days,
  }: {
    readonly at: number;
    readonly zone: Zone;
    readonly hosts: readonly string[];
    readonly days: readonly number[];
  },
): Promise<ComparedHour[]> {
  const current = await counts.of(at);
  const compared: ComparedHour[] = [];
  for (const back of days) {
    const then = sameTime(zone, at, back);
    const other = then === undefined ? NONE : await counts.of(then);
    const both = hosts.filter((host) => isKnown(current, host) && isKnown(other, host));
    compared.push({
      days: back,
      at: then,
      missing: then === undefined ? 'no-such-hour' : missingIn(other, hosts, both.length),
      ...sumOf(other, both),
      now: sumOf(current, both),
      hosts: both.length,
    });
  }
  return compared;
}

/** The numbers of an hour, and why there are none. */
export async function countsOfHour(
  counts: HourCounts,
  at: number,
  hosts: readonly string[],
): Promise<Pick<ComparedHour, 'in' | 'errors' | 'missing'>> {
  const found = await counts.of(at);
  const known = hosts.filter((host) => isKnown(found, host));
  return { ...sumOf(found, known), missing: missingIn(found, hosts, known.length) };
}

const NONE: ReadonlyMap<string, HourCount> = new Map();

const isKnown = (counts: ReadonlyMap<string, HourCount>, host: string): boolean =>
  counts.get(host)?.partly === false;

function missingIn(
  counts: ReadonlyMap<string, HourCount>,
  hosts: readonly string[],
  known: number,
): MissingHour | undefined {
  if (known > 0) return undefined;
  return hosts.some((host) => counts.get(host)?.partly === true) ? 'partly' : 'unknown';
}

function sumOf(
  counts: ReadonlyMap<string, HourCount>,
  hosts: readonly string[],
): { readonly in: number; readonly errors: number } {
  let came = 0;
  let errors = 0;
  for (const host of hosts) {
    came += counts.get(host)?.in ?? 0;
    errors += counts.get(host)?.errors ?? 0;
  }
  return { in: came, errors };
}

/** Same weekdays of the last four weeks. */
const WEEKS = [7, 14, 21, 28];
/** Fewer weeks, or messages, say nothing of what is usual. */
const WEEKS_NEEDED = 3;
const MESSAGES_NEEDED = 10;

/** What came in an hour, and the median of the same hour of the last four weeks; undefined if that is not known. */
export async function usualOf(
  counts: HourCounts,
  hour: { readonly at: number; readonly zone: Zone; readonly host: string },
): Promise<{ readonly in: number; readonly usual: number } | undefined> {
  const compared = await compareHour(counts, { ...hour, hosts: [hour.host], days: WEEKS });
  const weeks = compared.filter(({ missing, hosts }) => missing === undefined && hosts > 0);
  const [first] = weeks;
  if (first === undefined || weeks.length < WEEKS_NEEDED) return undefined;
  const sorted = weeks.map((week) => week.in).toSorted((a, b) => a - b);
  const usual =
    ((sorted[Math.floor((sorted.length - 1) / 2)] ?? 0) +
      (sorted[Math.floor(sorted.length / 2)] ?? 0)) /
    2;
  return usual < MESSAGES_NEEDED ? undefined : { in: first.now.in, usual };
}
