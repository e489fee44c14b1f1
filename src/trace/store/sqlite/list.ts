import { idAtTime } from '../../../message/id.ts';
import type { Status } from '../../../message/status.ts';
import type { ShownTo } from '../../shown-to.ts';
import type { ReplayQuery } from '../../trace-query.ts';
import type { FailureGroup, FailureQuery } from '../../trace-store.ts';
import { type FoundGroup, failureGroups } from '../failure-groups.ts';
import { NOT_COMPLETED, STATUS_CODE } from '../stored-code.ts';
import type { TraceFile } from './trace-file.ts';
import type { TraceFiles } from './trace-files.ts';

/** Messages of one host in the order they were made. */
export function replayList(
  files: TraceFiles,
  { host, from, to, status, after = 0, limit = 1_000 }: ReplayQuery,
): { ids: number[]; more: boolean } {
  const low = Math.max(idAtTime(from), after + 1);
  const high = idAtTime(to + 1) - 1;
  const numbers = status?.map((one) => STATUS_CODE[one]);
  const found: number[] = [];
  for (const { name, firstSession, lastId } of files.ranges()) {
    if (firstSession > high || lastId < low) continue;
    const file = files.file(name);
    const word = file.words.find(host);
    if (word === undefined) continue;
    found.push(
      ...file
        .all<{ id: number }>(
          `SELECT id FROM message INDEXED BY message_target WHERE target = ? AND id BETWEEN ? AND ?
             ${numbers === undefined ? '' : `AND status IN (${numbers.join(', ')})`} ORDER BY id LIMIT ?`,
          word,
          low,
          high,
          limit + 1,
        )
        .map(({ id }) => id),
    );
  }
  const ids = found.toSorted((a, b) => a - b);
  return { ids: ids.slice(0, limit), more: ids.length > limit };
}

const FAILURES: readonly Status[] = ['error', 'suspended'];

/** Errors and suspensions by host and code. */
export function failures(files: TraceFiles, query: FailureQuery, shown?: ShownTo): FailureGroup[] {
  const low = query.from === undefined ? 0 : idAtTime(query.from);
  const high = query.to === undefined ? Number.MAX_SAFE_INTEGER : idAtTime(query.to + 1) - 1;
  const groups = failureGroups(query, shown);
  for (const { name, firstSession, lastId } of files.ranges()) {
    if (firstSession > high || lastId < low) continue;
    const file = files.file(name);
    for (const group of groupsIn(file, query, { low, high })) groups.add(group);
  }
  return groups.list();
}

function groupsIn(
  file: TraceFile,
  { status: statuses = FAILURES, byCause = false, visible }: FailureQuery,
  { low, high }: { readonly low: number; readonly high: number },
): FoundGroup[] {
  const source = visible === undefined ? 'NULL' : 'source';
  return statuses.flatMap((status) =>
    file
      .all<{
        target: number;
        source: number | null;
        error_code: number | null;
        n: number;
        first: number;
        last: number;
        newest: number;
        error: string | null;
      }>(
        // with max(id) SQLite takes the bare column from the row that has it: the newest text
        `SELECT target, ${source} AS source, error_code, count(*) AS n, min(created) AS first, max(created) AS last,
           max(id) AS newest, error FROM message INDEXED BY message_status
           WHERE ${NOT_COMPLETED} AND status = ? AND id BETWEEN ? AND ? GROUP BY target, ${source}, error_code${byCause ? ', error' : ''}`,
        STATUS_CODE[status],
        low,
        high,
      )
      .map((row) => ({
        host: file.words.text(row.target),
        source: row.source === null ? undefined : file.words.text(row.source),
        status,
        code: row.error_code === null ? '' : file.words.text(row.error_code),
        text: row.error ?? '',
        count: row.n,
        first: row.first,
        last: row.last,
        newestId: row.newest,
      })),
  );
}
