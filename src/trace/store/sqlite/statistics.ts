import type { EventQuery, StatisticsQuery } from '../../trace-query.ts';
import type { HostEvent, HostStatistics } from '../../traced-message.ts';
import { endOfDay } from '../day.ts';
import { intervals } from '../intervals.ts';
import { LEVEL_CODE, levelOfCode } from '../stored-code.ts';
import type { TraceFiles } from './trace-files.ts';

interface StatisticRow {
  readonly minute: number;
  readonly host: number;
  readonly n_in: number;
  readonly n_out: number;
  readonly n_error: number;
  readonly bytes: number;
  readonly latency: number;
  readonly latency_max: number;
}

/** Sums the roll-ups of all files that reach into the time: a late outcome is counted with its session's day. */
export function statistics(
  files: TraceFiles,
  { from, to, step, hosts }: StatisticsQuery,
): HostStatistics[] {
  const sums = intervals(step);
  const first = Math.floor(from / 60_000);
  for (const { name, lastMinute } of files.ranges()) {
    if (lastMinute < first) continue;
    const file = files.file(name);
    const chosen = hosts?.flatMap((host) => file.words.find(host) ?? []);
    const rows = file.all<StatisticRow>(
      `SELECT minute / ?1 * ?1 AS minute, host, sum(n_in) AS n_in, sum(n_out) AS n_out,
         sum(n_error) AS n_error, sum(bytes) AS bytes, sum(latency) AS latency,
         max(latency_max) AS latency_max
       FROM statistic WHERE minute BETWEEN ?2 AND ?3
         ${chosen === undefined ? '' : `AND host IN (${chosen.join(', ')})`}
       GROUP BY statistic.minute / ?1, host`,
      Math.max(1, Math.floor(step / 60_000)),
      first,
      Math.floor(to / 60_000),
    );
    for (const row of rows) {
      const host = file.words.text(row.host);
      sums.add({
        host,
        at: row.minute * 60_000,
        in: row.n_in,
        out: row.n_out,
        errors: row.n_error,
        bytes: row.bytes,
        latency: row.latency,
        latencyMax: row.latency_max,
      });
    }
  }
  return sums.list();
}

/** Events lie in the file of the day they happened. */
export function events(files: TraceFiles, query: EventQuery): HostEvent[] {
  const { from = 0, to = Number.MAX_SAFE_INTEGER, limit = 100 } = query;
  const found: HostEvent[] = [];
  for (const day of files.days()) {
    if (found.length >= limit || endOfDay(day) <= from) break;
    found.push(...eventsOfDay(files, day, { ...query, from, to, limit: limit - found.length }));
  }
  return found;
}

function eventsOfDay(
  files: TraceFiles,
  day: string,
  query: EventQuery & { readonly from: number; readonly to: number; readonly limit: number },
): HostEvent[] {
  const file = files.day(day);
  const words = query.hosts?.flatMap((host) => file.words.find(host) ?? []);
  const level = query.level === undefined ? 0 : LEVEL_CODE[query.level];
  return file
    .all<{
      host: number;
      at: number;
      event: string;
      level: number;
      text: string;
      by: string | null;
    }>(
      `SELECT * FROM event INDEXED BY event_at WHERE at BETWEEN ? AND ? AND level >= ?
         ${words === undefined ? '' : 'AND host IN (SELECT value FROM json_each(?))'}
         ORDER BY at DESC LIMIT ?`,
      query.from,
      query.to,
      level,
      ...(words === undefined ? [] : [JSON.stringify(words)]),
      query.limit,
    )
    .map((row) => ({
      host: file.words.text(row.host),
      event: row.event,
      level: levelOfCode(row.level),
      at: row.at,
      text: row.text,
      by: row.by ?? undefined,
    }));
}
