import { idAtTime, timeOfId } from '../../../message/id.ts';
import { findAnyOf } from '../../any-of.ts';
import { type KeyMatch, keyMatches } from '../../key-value.ts';
import type { QuickFindStore } from '../../quick-find.ts';
import { type LargeBody, type SearchedStore, type SearchPart, search } from '../../search.ts';
import type { ShownTo } from '../../shown-to.ts';
import type { TracePage, TraceQuery } from '../../trace-query.ts';
import type { FindOptions } from '../../trace-store.ts';
import type { TracedMessage } from '../../traced-message.ts';
import { tracedMessage } from '../../traced-message.ts';
import {
  type Condition,
  keyConditions,
  newestFirst,
  type SearchIndex,
  searchPlan,
  withinSessions,
} from '../conditions.ts';
import { MESSAGE_COLUMNS, type MessageRow, stateOfRow } from '../message-columns.ts';
import { refusePrefixes } from '../trace-cipher.ts';
import { HeldFile } from './held-file.ts';
import { body, message as readMessage, sessionMessages } from './read.ts';
import type { TraceFile } from './trace-file.ts';
import type { FileRange, TraceFiles } from './trace-files.ts';

const COLUMNS = MESSAGE_COLUMNS.map((name) => `m.${name}`).join(', ');

/** `INDEXED BY` makes a statement fail rather than use another plan; a test also checks the plans. */
const INDEXED: Readonly<Record<SearchIndex, string>> = {
  id: 'NOT INDEXED',
  source: 'INDEXED BY message_source',
  target: 'INDEXED BY message_target',
  status: 'INDEXED BY message_status',
  resend: 'INDEXED BY message_resend',
};

interface Searched {
  readonly files: TraceFiles;
  readonly largeBody: LargeBody;
}

/** Searches all files, newest first. */
export function find(
  searched: Searched,
  query: TraceQuery,
  options: FindOptions = {},
): Promise<TracePage> {
  const given = { ...options, store: quickFindFiles(searched.files) };
  return findAnyOf(query, given, (one) => findIn(searched, one, options));
}

function findIn(
  { files, largeBody }: Searched,
  query: TraceQuery,
  options: FindOptions,
): Promise<TracePage> {
  const keys = keyMatches(query.search);
  refusePrefixes(keys, files.cipher);
  const store: SearchedStore = {
    bottom: (order, from) => bottom(files.ranges(), order, from),
    top: () => Math.max(0, ...files.ranges().map(({ lastId }) => lastId)),
    candidates(span, limit) {
      const rows: TracedMessage[] = [];
      for (const range of rangesOf(files, span)) {
        if (rows.length >= limit && isBehind(range, span, rows[limit - 1])) break;
        const file = files.file(range.name);
        rows.push(...candidates(file, query, { keys, span, limit, shown: options.shown }));
        rows.sort(newestFirst(span));
        rows.length = Math.min(rows.length, limit);
      }
      return rows;
    },
    messages: (sessionId) => sessionMessages(files, sessionId),
    body: (id) => body(files, id, 'message'),
    largeBody,
  };
  return search(query, store, options);
}

interface Candidates {
  readonly keys: readonly KeyMatch[];
  readonly span: SearchPart;
  readonly limit: number;
  readonly shown?: ShownTo | undefined;
}

/** The newest candidates of a span in one file. */
function candidates(file: TraceFile, query: TraceQuery, given: Candidates): TracedMessage[] {
  const statements = candidateStatements(file, query, given);
  const found = new Map<number, TracedMessage>();
  for (const { sql, values } of statements) {
    for (const row of file.all<MessageRow>(sql, ...values)) {
      if (!found.has(row.id)) found.set(row.id, tracedMessage(stateOfRow(row, file.words)));
    }
  }
  return [...found.values()];
}

/** The statements that answer a query in one file; none if it cannot contain any match. */
export function candidateStatements(
  file: TraceFile,
  query: TraceQuery,
  { keys, span, limit, shown }: Candidates,
): Condition[] {
  const { branches, rest: conditions } = searchPlan(query, file.words, shown);
  if (branches.length === 0) return [];
  const rest = file instanceof HeldFile ? [...conditions, ...file.shown()] : conditions;
  if (span.order === 'session') {
    const byKey = keyStatement(file, keys, span);
    if (byKey === undefined) return [];
    const within = withinSessions(query, { branches, rest }, span);
    return [statement(byKey, within, { order: 'm.session_id DESC, m.id DESC', limit })];
  }
  return branches.map(({ index, sql, values }) => {
    const from = `FROM message m ${INDEXED[index]} WHERE ${sql === '' ? '' : `${sql} AND `}m.id BETWEEN ? AND ?`;
    const branch = { sql: from, values: [...values, span.low, span.high] };
    return statement(branch, rest, { order: 'm.id DESC', limit });
  });
}

function statement(
  from: Condition,
  rest: readonly Condition[],
  { order, limit }: { readonly order: string; readonly limit: number },
): Condition {
  return {
    sql: `SELECT ${COLUMNS} ${[from, ...rest].map(({ sql }) => sql).join(' AND ')} ORDER BY ${order} LIMIT ?`,
    values: [...[from, ...rest].flatMap(({ values }) => values), limit],
  };
}

/** The sessions that have all keys, then their messages; in that order, which the planner would reverse. */
function keyStatement(
  file: TraceFile,
  keys: readonly KeyMatch[],
  span: SearchPart,
): Condition | undefined {
  const conditions = keyConditions(keys, file.words, { span, cipher: file.cipher });
  if (conditions === undefined) return undefined;
  const buckets = bucketsOf(span).join(', ');
  const sources = conditions.map(
    ({ sql }) => `SELECT session_id FROM skey WHERE bucket IN (${buckets}) AND ${sql}`,
  );
  return {
    sql: `FROM (${sources.join(' INTERSECT ')}${sources.length === 1 ? ' GROUP BY session_id' : ''}) k
      CROSS JOIN message m INDEXED BY message_session WHERE m.session_id = k.session_id`,
    values: conditions.flatMap(({ values }) => values),
  };
}

/** The hours of the day that a span of sessions covers. */
function bucketsOf({ low, high }: SearchPart): number[] {
  const first = Math.floor(timeOfId(low) / 3_600_000);
  const last = Math.floor(timeOfId(high) / 3_600_000);
  if (last - first >= 23) return Array.from({ length: 24 }, (_, hour) => hour);
  return Array.from({ length: last - first + 1 }, (_, hour) => (first + hour) % 24);
}

/** The files that may contain a part of the span, those with the newest first. */
function rangesOf(files: TraceFiles, { order, low, high }: SearchPart): FileRange[] {
  const ranges = files
    .ranges()
    .filter(({ firstSession, lastSession, lastId }) =>
      order === 'id'
        ? firstSession <= high && lastId >= low
        : firstSession <= high && lastSession >= low && lastId > 0,
    );
  return order === 'id' ? ranges.toSorted((a, b) => b.lastId - a.lastId) : ranges;
}

/** Whether a file, and therefore all that follow, contains nothing newer than the last of a full page. */
function isBehind(
  range: FileRange,
  { order }: SearchPart,
  last: TracedMessage | undefined,
): boolean {
  if (last === undefined) return false;
  return order === 'id' ? range.lastId < last.id : range.lastSession < last.sessionId;
}

function bottom(
  ranges: readonly FileRange[],
  order: SearchPart['order'],
  from: number | undefined,
): number {
  const low = from === undefined ? 0 : idAtTime(from);
  const filled = ranges.filter(({ lastId }) => lastId > 0 && lastId >= low);
  const first = Math.min(...filled.map(({ firstSession }) => firstSession));
  if (filled.length === 0) return Number.MAX_SAFE_INTEGER;
  return order === 'id' ? Math.max(first, low) : first;
}

/** Access to the files for finding a pasted text. */
export function quickFindFiles(files: TraceFiles): QuickFindStore {
  return {
    message: (id) => readMessage(files, id),
    messages: (sessionId) => sessionMessages(files, sessionId),
    body: (id) => body(files, id, 'message'),
    *sessionsWith(value, most) {
      const seen = new Set<string>();
      for (const { name } of files.ranges()) {
        for (const hit of files.file(name).keys.sessionsWith(value, most)) {
          // a session being moved to held.db is in two files
          const key = `${hit.sessionId} ${hit.field}`;
          if (!seen.has(key)) yield hit;
          seen.add(key);
        }
      }
    },
  };
}
