import type { StatisticChange } from '../batch.ts';
import type { HostEvent, HostStatistics } from '../traced-message.ts';
import type { Words } from './message-columns.ts';
import { levelOfCode } from './stored-code.ts';

/** The columns of a roll-up that are added up; `latency_max` is not. */
const SUMMED = ['n_in', 'n_out', 'n_error', 'bytes', 'latency'] as const;

/** A row of the table of roll-ups: what passed through a host in a minute, or in an hour of a removed day. */
export type StatisticRow = Readonly<
  Record<'minute' | 'host' | 'latency_max' | (typeof SUMMED)[number], number>
>;

/** What a query selects from grouped roll-ups. */
export const STATISTIC_SUMS = [
  ...SUMMED.map((name) => `CAST(sum(${name}) AS bigint) AS ${name}`),
  'max(latency_max) AS latency_max',
].join(', ');

/** What an upsert does to an existing roll-up; `greater` is the database's function for the greater of two. */
export const addedUp = (greater: 'max' | 'greatest'): string =>
  [
    ...SUMMED.map((name) => `${name}=s.${name}+excluded.${name}`),
    `latency_max=${greater}(s.latency_max, excluded.latency_max)`,
  ].join(', ');

/** A roll-up as a row, in the order of the table. */
export function rowOfStatistic(change: StatisticChange, words: Pick<Words, 'number'>): number[] {
  const { minute, host, in: n_in, out, errors, bytes, latency, latencyMax } = change;
  return [minute, words.number(host), n_in, out, errors, bytes, latency, latencyMax];
}

export function statisticOfRow(row: StatisticRow, words: Pick<Words, 'text'>): StatisticChange {
  return {
    minute: row.minute,
    host: words.text(row.host),
    in: row.n_in,
    out: row.n_out,
    errors: row.n_error,
    bytes: row.bytes,
    latency: row.latency,
    latencyMax: row.latency_max,
  };
}

export interface EventRow {
  readonly host: number;
  readonly at: number;
  readonly event: string;
  readonly level: number;
  readonly text: string;
  readonly by: string | null;
}

export function eventOfRow(row: EventRow, words: Pick<Words, 'text'>): HostEvent {
  return {
    host: words.text(row.host),
    event: row.event,
    level: levelOfCode(row.level),
    at: row.at,
    text: row.text,
    by: row.by ?? undefined,
  };
}

/** Sums roll-ups into intervals of `step` milliseconds. */
export function intervals(step: number): {
  add(part: StatisticChange): void;
  list(): HostStatistics[];
} {
  /** By start, then by host: a day by the minute is tens of thousands of sums. */
  const sums = new Map<number, Map<string, HostStatistics>>();
  return {
    add({ minute, ...rest }) {
      const at = Math.floor((minute * 60_000) / step) * step;
      const part = { ...rest, at };
      const hosts = sums.get(at) ?? new Map<string, HostStatistics>();
      sums.set(at, hosts);
      const sum = hosts.get(part.host);
      hosts.set(part.host, sum === undefined ? part : plus(sum, part));
    },
    list: () =>
      [...sums]
        .toSorted(([a], [b]) => a - b)
        .flatMap(([, hosts]) => [...hosts.values()].toSorted((a, b) => (a.host < b.host ? -1 : 1))),
  };
}

function plus(a: HostStatistics, b: HostStatistics): HostStatistics {
  return {
    host: a.host,
    at: a.at,
    in: a.in + b.in,
    out: a.out + b.out,
    errors: a.errors + b.errors,
    bytes: a.bytes + b.bytes,
    latency: a.latency + b.latency,
    latencyMax: Math.max(a.latencyMax, b.latencyMax),
  };
}
