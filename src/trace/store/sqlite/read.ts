import { idAtTime } from '../../../message/id.ts';
import type { MessageState } from '../../message-state.ts';
import type { ScopeId } from '../../scope.ts';
import { fieldNames } from '../../search-fields.ts';
import { type SessionOutcome, sessionOutcomes } from '../../session-outcome.ts';
import type { ScopeMessages, ShownTo } from '../../shown-to.ts';
import type { EventQuery, ReplayQuery, StatisticsQuery } from '../../trace-query.ts';
import type { FailureGroup, FailureQuery, OpenMessage, OpenPage } from '../../trace-store.ts';
import {
  type HostEvent,
  type HostStatistics,
  pastReply,
  SESSION_ATTEMPTS,
  SESSION_MESSAGES,
  SESSION_PART,
  type StoredBody,
  secondPart,
  sinceTaken,
  type TracedAttempt,
  type TracedMessage,
  type TracedSession,
  tracedMessage,
  tracedSession,
} from '../../traced-message.ts';
import { dayOfSession, endOfDay } from '../day.ts';
import { FAILURES, type FailureRow, failureGroups } from '../failure-groups.ts';
import { SAID } from '../message-columns.ts';
import { type OpenRow, openMessage, PART_COLUMNS, type PartRow, sessionPart } from '../settle.ts';
import {
  type EventRow,
  eventOfRow,
  intervals,
  STATISTIC_SUMS,
  type StatisticRow,
  statisticOfRow,
} from '../statistics.ts';
import { LEVEL_CODE, NOT_COMPLETED, STATUS_CODE } from '../stored-code.ts';
import {
  readAttempts,
  readPast,
  readScopeStates,
  readSessionStates,
  readState,
} from './message-table.ts';
import type { TraceFile } from './trace-file.ts';
import type { TraceFiles } from './trace-files.ts';

interface Place {
  readonly file: TraceFile;
  readonly state: MessageState;
}

/** Finds a message by only its id: in the day it was made, or in that of an older session it belongs to. */
export function findState(files: TraceFiles, id: number): Place | undefined {
  for (const { name, firstSession, lastId } of files.ranges()) {
    if (firstSession > id || lastId < id) continue;
    const file = files.file(name);
    const state = readState(file, id);
    // a session being copied to held.db still belongs where it was
    if (state !== undefined && (name !== 'held' || files.held.has(state.sessionId))) {
      return { file, state };
    }
  }
  return undefined;
}

export function message(files: TraceFiles, id: number): TracedMessage | undefined {
  const place = findState(files, id);
  if (place === undefined) return undefined;
  return sinceTaken(tracedMessage(place.state), readPast(place.file, id));
}

export function session(files: TraceFiles, id: number): TracedSession | undefined {
  const asked = findState(files, id)?.state;
  const sessionId = asked?.sessionId ?? id;
  const file = fileOfSession(files, sessionId);
  if (file === undefined) return undefined;
  const first = readSessionStates(file, sessionId, SESSION_MESSAGES + 1);
  if (first.length === 0) return undefined;
  const from = secondPart(first, asked);
  const shown =
    from === undefined
      ? first.slice(0, SESSION_MESSAGES)
      : [...first.slice(0, SESSION_PART), ...laterStates(file, sessionId, from, asked)];
  return tracedSession(sessionId, shown, {
    attempts: shown.flatMap((state) => attemptsOf(file, state)),
    past: (messageId) => readPast(file, messageId),
    resends: resendsOf(files, shown),
    truncated: first.length > SESSION_MESSAGES,
  });
}

/** Of a large session, the messages from one on; of the branch of the asked one alone, if others went on in between. */
function laterStates(
  file: TraceFile,
  sessionId: number,
  from: number,
  asked: MessageState | undefined,
): MessageState[] {
  const states = readSessionStates(file, sessionId, SESSION_PART, { from });
  if (states.some(({ id }) => id === asked?.id)) return states;
  const branch = asked?.envelope?.branch;
  return readSessionStates(file, sessionId, SESSION_PART, { from, branch });
}

/** The states of these sessions. */
export function outcomes(
  files: TraceFiles,
  sessionIds: readonly number[],
): readonly SessionOutcome[] {
  const byFile = Map.groupBy(sessionIds, (id) => fileOfSession(files, id));
  const parts = [...byFile].flatMap(([file, ids]) => {
    if (file === undefined) return [];
    const rows = file.all<PartRow>(
      `SELECT ${PART_COLUMNS} FROM message INDEXED BY message_session
         WHERE session_id IN (SELECT value FROM json_each(?))`,
      JSON.stringify(ids),
    );
    return rows.map((row) => sessionPart(row, file.words));
  });
  return sessionOutcomes(parts);
}

/** Only the messages of a scope. */
export function scopeMessages(
  files: TraceFiles,
  scope: ScopeId,
  most = SESSION_MESSAGES,
): ScopeMessages {
  const first = findState(files, scope);
  const isBranch = first?.state.envelope?.branch === scope;
  const file = isBranch ? first.file : fileOfSession(files, scope);
  if (file === undefined) return { messages: [], whole: true };
  const states = readScopeStates(file, scope, isBranch, most + 1);
  return { messages: states.slice(0, most).map(tracedMessage), whole: states.length <= most };
}

/** The body of a message or of its reply. */
export function body(
  files: TraceFiles,
  id: number,
  part: 'message' | 'reply',
): StoredBody | undefined {
  const place = findState(files, id);
  if (place === undefined) return undefined;
  const { file, state } = place;
  if (part === 'reply') {
    const reply = state.settlement?.reply ?? pastReply(readPast(file, id));
    if (reply?.body === undefined) return undefined;
    const stored = file.bodies.read(reply.body);
    return stored === undefined ? undefined : { ...stored, type: reply.type };
  }
  const stored = readBody(file, state);
  if (stored === undefined) return undefined;
  return { ...stored, type: state.envelope?.type ?? '', charset: state.envelope?.charset };
}

function readBody(file: TraceFile, state: MessageState): ReturnType<TraceFile['bodies']['read']> {
  if (state.body !== undefined) return file.bodies.read(state.body);
  if (state.sameBodyAs === undefined) return undefined;
  const other = readState(file, state.sameBodyAs);
  // only one step: a message that shares a body names the one that has it
  return other?.body === undefined ? undefined : file.bodies.read(other.body);
}

/** The file of a session, if there is one. */
export function fileOfSession(files: TraceFiles, sessionId: number): TraceFile | undefined {
  if (files.held.has(sessionId)) return files.held;
  const day = dayOfSession(sessionId);
  return files.days().includes(day) ? files.day(day) : undefined;
}

function attemptsOf(file: TraceFile, state: MessageState): TracedAttempt[] {
  return state.attempts === 0 ? [] : readAttempts(file, state.id, SESSION_ATTEMPTS);
}

function resendsOf(files: TraceFiles, states: readonly MessageState[]): TracedSession['resends'] {
  const oldest = states[0]?.id ?? 0;
  const ids = JSON.stringify(states.map(({ id }) => id));
  return files
    .ranges()
    .filter(({ lastId }) => lastId >= oldest)
    .flatMap(({ name }) =>
      files.file(name).all<{ id: number; of: number; sessionId: number }>(
        `SELECT id, resend_of AS of, session_id AS sessionId FROM message INDEXED BY message_resend
           WHERE resend_of IN (SELECT value FROM json_each(?))`,
        ids,
      ),
    )
    .toSorted((a, b) => a.id - b.id);
}

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

/** Errors and suspensions by host and code. */
export function failures(files: TraceFiles, query: FailureQuery, shown?: ShownTo): FailureGroup[] {
  const low = query.from === undefined ? 0 : idAtTime(query.from);
  const high = query.to === undefined ? Number.MAX_SAFE_INTEGER : idAtTime(query.to + 1) - 1;
  const groups = failureGroups(query, shown);
  for (const { name, firstSession, lastId } of files.ranges()) {
    if (firstSession > high || lastId < low) continue;
    const file = files.file(name);
    for (const row of failuresIn(file, query, { low, high })) groups.add(row, file.words);
  }
  return groups.list();
}

function failuresIn(
  file: TraceFile,
  { status: statuses = FAILURES, byCause = false, visible }: FailureQuery,
  { low, high }: { readonly low: number; readonly high: number },
): FailureRow[] {
  const source = visible === undefined ? 'NULL' : 'source';
  return statuses.flatMap((status) =>
    file.all<FailureRow>(
      // with max(id) SQLite takes the bare column from the row that has it: the newest text
      `SELECT target, ${source} AS source, status, error_code, count(*) AS n, min(created) AS first, max(created) AS last,
         max(id) AS newest, error, ${SAID} AS said FROM message INDEXED BY message_status
         WHERE ${NOT_COMPLETED} AND status = ? AND id BETWEEN ? AND ? GROUP BY target, ${source}, error_code${byCause ? `, error, ${SAID}` : ''}`,
      STATUS_CODE[status],
      low,
      high,
    ),
  );
}

/** Oldest first: the days in order, and in each by id. */
export function openMessages(
  files: TraceFiles,
  host: string,
  { after = 0, limit = 1_000 }: OpenPage = {},
): OpenMessage[] {
  const found: OpenMessage[] = [];
  for (const { name, lastId } of files.ranges().toReversed()) {
    if (lastId > after) found.push(...openIn(files.file(name), host, { after, limit }));
  }
  return found.toSorted((a, b) => a.id - b.id).slice(0, limit);
}

function openIn(
  file: TraceFile,
  host: string,
  { after, limit }: { readonly after: number; readonly limit: number },
): OpenMessage[] {
  const word = file.words.find(host);
  if (word === undefined) return [];
  return [STATUS_CODE.queued, STATUS_CODE.retrying].flatMap((status) =>
    file
      .all<OpenRow>(
        `SELECT id, session_id, status, created, stream, sequence FROM message INDEXED BY message_status
           WHERE ${NOT_COMPLETED} AND status = ? AND id > ? AND target = ? ORDER BY id LIMIT ?`,
        status,
        after,
        word,
        limit,
      )
      .map((row) => openMessage(row, file.words)),
  );
}

/** Sums the roll-ups of all files that overlap the time: a late outcome is counted with its session's day. */
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
      `SELECT minute / ?1 * ?1 AS minute, host, ${STATISTIC_SUMS}
       FROM statistic WHERE minute BETWEEN ?2 AND ?3
         ${chosen === undefined ? '' : `AND host IN (${chosen.join(', ')})`}
       GROUP BY statistic.minute / ?1, host`,
      Math.max(1, Math.floor(step / 60_000)),
      first,
      Math.floor(to / 60_000),
    );
    for (const row of rows) sums.add(statisticOfRow(row, file.words));
  }
  return sums.list();
}

/** Events are in the file of the day on which they happened. */
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
    .all<EventRow>(
      `SELECT * FROM event INDEXED BY event_at WHERE at BETWEEN ? AND ? AND level >= ?
         ${words === undefined ? '' : 'AND host IN (SELECT value FROM json_each(?))'}
         ORDER BY at DESC LIMIT ?`,
      query.from,
      query.to,
      level,
      ...(words === undefined ? [] : [JSON.stringify(words)]),
      query.limit,
    )
    .map((row) => eventOfRow(row, file.words));
}

const LATELY = 8;

/** Names of search fields of the last days, and of those that messages to come are indexed by. */
export function fields(files: TraceFiles): string[] {
  const names = files
    .ranges()
    .slice(0, LATELY)
    .flatMap(({ name }) => files.file(name).keys.fields());
  return fieldNames(names, files.held.note('fields'));
}
