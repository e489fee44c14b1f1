import { idAtTime, timeOfId } from '../../../message/id.ts';
import { findAnyOf } from '../../any-of.ts';
import { type KeyMatch, keyMatches } from '../../key-value.ts';
import type { QuickFindStore } from '../../quick-find.ts';
import { scopeOf } from '../../scope.ts';
import { type LargeBody, type SearchedStore, type SearchPart, search } from '../../search.ts';
import type { ScopeReader, ShownTo } from '../../shown-to.ts';
import type { TracePage, TraceQuery } from '../../trace-query.ts';
import type { FindOptions } from '../../trace-store.ts';
import type { TracedMessage } from '../../traced-message.ts';
import { tracedMessage } from '../../traced-message.ts';
import {
  branchesWithout,
  type Condition,
  keyConditions,
  newestFirst,
  SCOPE_MESSAGES,
  type SearchIndex,
  searchPlan,
  withinScopes,
} from '../conditions.ts';
import { MESSAGE_COLUMNS, type MessageRow, stateOfRow } from '../message-columns.ts';
import { ownKeyReader } from '../own-keys.ts';
import { refusePrefixes } from '../trace-cipher.ts';
import { HeldFile } from './held-file.ts';
import { body, fileOfSession, message as readMessage, scopeMessages } from './read.ts';
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
  const given = { ...options, store: quickFindFiles(searched) };
  return findAnyOf(query, given, (one) => findIn(searched, one, options));
}

function findIn(searched: Searched, query: TraceQuery, options: FindOptions): Promise<TracePage> {
  const { files, largeBody } = searched;
  const keys = keyMatches(query.search);
  refusePrefixes(keys, files.cipher);
  const store: SearchedStore = {
    ...scopeReader(searched),
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
    largeBody,
  };
  return search(query, store, options);
}

function scopeReader({ files, largeBody }: Searched): ScopeReader {
  return {
    message: (id) => readMessage(files, id),
    messages: (scope, most) => scopeMessages(files, scope, most),
    body: (id) => body(files, id, 'message'),
    ownKeys: ownKeyReader(() => files.held.note('fields'), largeBody),
    branchesWithout: (keys, sessions) =>
      [...sessions].flatMap(([sessionId, from]) => {
        const file = fileOfSession(files, sessionId);
        if (file === undefined) return [];
        const { sql, values } = branchesWithout(keys, file.words, {
          messages: 'INDEXED BY message_session WHERE session_id = ? AND id >= ?',
          bucket: `bucket = (${HOUR_OF_ID}) AND `,
          cipher: file.cipher,
        });
        return file
          .all<{ parent_id: number }>(sql, sessionId, from, ...values)
          .map(({ parent_id: parentId }) => ({ sessionId, parentId }));
      }),
  };
}

/** As `bucketOf`. */
const HOUR_OF_ID = `(r.id / 4096 + ${timeOfId(0)}) / 3600000 % 24`;

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
  if (span.order === 'scope') {
    const scopes = scopeStatement(file, keys, span);
    if (scopes === undefined) return [];
    const within = withinScopes(query, { branches, rest }, span);
    return (file.hasBranches() ? SCOPE_KINDS : SCOPE_KINDS.slice(0, 1)).map((kind) =>
      statement(messagesOf(scopes, kind), within, {
        order: 'k.session_id DESC, m.id DESC',
        limit,
      }),
    );
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

/** The scopes that have all keys. */
function scopeStatement(
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
    sql: `${sources.join(' INTERSECT ')}${sources.length === 1 ? ' GROUP BY session_id' : ''}`,
    values: conditions.flatMap(({ values }) => values),
  };
}

const SCOPE_KINDS = ['session', 'branch'] as const;

/** The scopes, then the messages of each; in that order, which the planner would reverse. */
function messagesOf(scopes: Condition, kind: (typeof SCOPE_KINDS)[number]): Condition {
  return {
    sql: `FROM (${scopes.sql}) k CROSS JOIN message m INDEXED BY message_${kind} WHERE ${SCOPE_MESSAGES[kind]}`,
    values: scopes.values,
  };
}

/** The hours of the day that a span of sessions covers. */
function bucketsOf({ low, high }: SearchPart): number[] {
  const first = Math.floor(timeOfId(low) / 3_600_000);
  const last = Math.floor(timeOfId(high) / 3_600_000);
  if (last - first >= 23) return Array.from({ length: 24 }, (_, hour) => hour);
  return Array.from({ length: last - first + 1 }, (_, hour) => (first + hour) % 24);
}

/** The files that may contain a part of the span, those with the newest first. A branch may begin after its session's day. */
function rangesOf(files: TraceFiles, { low, high }: SearchPart): FileRange[] {
  return files
    .ranges()
    .filter(({ firstSession, lastId }) => firstSession <= high && lastId >= low && lastId > 0)
    .toSorted((a, b) => b.lastId - a.lastId);
}

/** Whether a file, and therefore all that follow, contains nothing newer than the last of a full page. */
function isBehind(
  range: FileRange,
  { order }: SearchPart,
  last: TracedMessage | undefined,
): boolean {
  if (last === undefined) return false;
  return range.lastId < (order === 'id' ? last.id : scopeOf(last));
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
export function quickFindFiles(searched: Searched): QuickFindStore {
  const { files } = searched;
  return {
    ...scopeReader(searched),
    *scopesWith(value, most) {
      const seen = new Set<string>();
      for (const { name } of files.ranges()) {
        for (const hit of files.file(name).keys.scopesWith(value, most)) {
          // a session being moved to held.db is in two files
          const key = `${hit.scope} ${hit.field}`;
          if (!seen.has(key)) yield hit;
          seen.add(key);
        }
      }
    },
  };
}
