import type { Database } from '../../../database/postgres.ts';
import type { EventQuery, StatisticsQuery } from '../../trace-query.ts';
import type { HostEvent, HostStatistics } from '../../traced-message.ts';
import { intervals } from '../intervals.ts';
import { LEVEL_CODE, levelOfCode } from '../stored-code.ts';
import type { WordTable } from './word-table.ts';

export async function statistics(
  db: Database,
  words: WordTable,
  { from, to, step, hosts }: StatisticsQuery,
): Promise<HostStatistics[]> {
  await words.refresh(db);
  const rows = await db.rows<{
    minute: number;
    host: number;
    n_in: number;
    n_out: number;
    n_error: number;
    bytes: number;
    latency: number;
    latency_max: number;
  }>(
    `SELECT min(minute) AS minute, host, sum(n_in)::bigint AS n_in, sum(n_out)::bigint AS n_out,
       sum(n_error)::bigint AS n_error, sum(bytes)::bigint AS bytes, sum(latency)::bigint AS latency,
       max(latency_max) AS latency_max
     FROM statistic WHERE minute BETWEEN ? AND ? ${hosts === undefined ? '' : 'AND host = ANY(?)'}
     GROUP BY minute / ?::bigint, host`,
    Math.floor(from / 60_000),
    Math.floor(to / 60_000),
    ...(hosts === undefined ? [] : [hosts.flatMap((host) => words.find(host) ?? [])]),
    Math.max(1, Math.floor(step / 60_000)),
  );
  const sums = intervals(step);
  for (const row of rows) {
    sums.add({
      host: words.text(row.host),
      at: row.minute * 60_000,
      in: row.n_in,
      out: row.n_out,
      errors: row.n_error,
      bytes: row.bytes,
      latency: row.latency,
      latencyMax: row.latency_max,
    });
  }
  return sums.list();
}

export async function events(
  db: Database,
  words: WordTable,
  { hosts, from = 0, to = Number.MAX_SAFE_INTEGER, level = 'info', limit = 100 }: EventQuery,
): Promise<HostEvent[]> {
  await words.refresh(db);
  const rows = await db.rows<{
    host: number;
    at: number;
    event: string;
    level: number;
    text: string;
    by: string | null;
  }>(
    `SELECT host, at, event, level, text, by FROM event WHERE at BETWEEN ? AND ? AND level >= ?
       ${hosts === undefined ? '' : 'AND host = ANY(?)'} ORDER BY at DESC LIMIT ?`,
    from,
    to,
    LEVEL_CODE[level],
    ...(hosts === undefined ? [] : [hosts.flatMap((host) => words.find(host) ?? [])]),
    limit,
  );
  return rows.map(({ host, level: number, by, ...rest }) => ({
    ...rest,
    host: words.text(host),
    level: levelOfCode(number),
    by: by ?? undefined,
  }));
}
