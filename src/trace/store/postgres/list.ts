import type { Database } from '../../../database/postgres.ts';
import { idAtTime } from '../../../message/id.ts';
import type { Status } from '../../../message/status.ts';
import type { ShownTo } from '../../shown-to.ts';
import type { ReplayQuery } from '../../trace-query.ts';
import type { FailureGroup, FailureQuery } from '../../trace-store.ts';
import { failureGroups } from '../failure-groups.ts';
import { NOT_COMPLETED, STATUS_CODE, statusOfCode } from '../stored-code.ts';
import type { WordTable } from './word-table.ts';

/** Messages of one host in the order they were made. */
export async function replayList(
  db: Database,
  words: WordTable,
  { host, from, to, status, after = 0, limit = 1_000 }: ReplayQuery,
): Promise<{ ids: number[]; more: boolean }> {
  await words.refresh(db);
  const word = words.find(host);
  if (word === undefined) return { ids: [], more: false };
  const rows = await db.rows<{ id: number }>(
    `SELECT id FROM message WHERE target = ? AND id BETWEEN ? AND ?
       ${status === undefined ? '' : 'AND status = ANY(?)'} ORDER BY id LIMIT ?`,
    word,
    Math.max(idAtTime(from), after + 1),
    idAtTime(to + 1) - 1,
    ...(status === undefined ? [] : [status.map((one) => STATUS_CODE[one])]),
    limit + 1,
  );
  const ids = rows.map(({ id }) => id);
  return { ids: ids.slice(0, limit), more: ids.length > limit };
}

const FAILURES: readonly Status[] = ['error', 'suspended'];

/** Errors and suspensions by host and code. */
export async function failures(
  db: Database,
  words: WordTable,
  query: FailureQuery,
  shown?: ShownTo,
): Promise<FailureGroup[]> {
  await words.refresh(db);
  const source = query.visible === undefined ? 'NULL::integer' : 'source';
  const rows = await db.rows<{
    target: number;
    source: number | null;
    status: number;
    error_code: number | null;
    n: number;
    first: number;
    last: number;
    newest: number;
    error: string | null;
  }>(
    `SELECT target, ${source} AS source, status, error_code, count(*) AS n, min(created) AS first, max(created) AS last,
       max(id) AS newest, (array_agg(error ORDER BY id DESC))[1] AS error
     FROM message WHERE ${NOT_COMPLETED} AND status = ANY(?) AND id BETWEEN ? AND ?
     GROUP BY target${query.visible === undefined ? '' : ', source'}, status, error_code${query.byCause === true ? ', error' : ''}`,
    (query.status ?? FAILURES).map((one) => STATUS_CODE[one]),
    query.from === undefined ? 0 : idAtTime(query.from),
    query.to === undefined ? Number.MAX_SAFE_INTEGER : idAtTime(query.to + 1) - 1,
  );
  const groups = failureGroups(query, shown);
  for (const row of rows) {
    groups.add({
      host: words.text(row.target),
      source: row.source === null ? undefined : words.text(row.source),
      status: statusOfCode(row.status),
      code: row.error_code === null ? '' : words.text(row.error_code),
      text: row.error ?? '',
      count: row.n,
      first: row.first,
      last: row.last,
      newestId: row.newest,
    });
  }
  return groups.list();
}
