import type { StreamRead } from '../../../broker/stream-reader.ts';
import { syncLog } from '../../../database/synced-log.ts';
import type { HostRecord } from '../../../message/record.ts';
import { foldBatch, messageOf, type StatisticChange, sessionOf } from '../../batch.ts';
import { differencesOf, type TraceDifference } from '../../difference.ts';
import { fold } from '../../fold.ts';
import type { MessageState } from '../../message-state.ts';
import type { TraceInput } from '../../trace-input.ts';
import type { LostMessages, StreamFloor } from '../../trace-store.ts';
import { dayOf } from '../day.ts';
import { loss, type Presumption, presumption } from '../settle.ts';
import { addedUp, rowOfStatistic } from '../statistics.ts';
import { IN_QUEUE, LEVEL_CODE } from '../stored-code.ts';
import { readPast, readState, writeAttempt, writePast, writeState } from './message-table.ts';
import { noteRead } from './read-floors.ts';
import type { TraceFile } from './trace-file.ts';
import type { TraceFiles } from './trace-files.ts';

/**
 * One transaction per day. Days are written oldest first; a crash in between is repaired when the
 * batch is repeated. What was written is durable before this resolves.
 */
export async function apply(
  files: TraceFiles,
  inputs: readonly TraceInput[],
  read: readonly StreamRead[] = [],
): Promise<readonly MessageState[]> {
  const standing: MessageState[] = [];
  const written = new Set<string>();
  const byFile = Map.groupBy(inputs, (input) => fileNameOf(files, input));
  for (const [name, part] of [...byFile].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const file = files.file(name);
    standing.push(...applyToFile(file, part));
    written.add(file.path);
    const ids = part.map((input) => messageOf(input) ?? 0);
    files.grew(name, {
      lastId: Math.max(...ids),
      lastMinute: Math.floor(Math.max(...part.map(timeOf)) / 60_000),
      sessions: part.map(sessionOf),
    });
  }
  if (read.length > 0) written.add(noteRead(files, read).path);
  await Promise.all([...written].map(syncLog));
  return standing;
}

export function differences(
  files: TraceFiles,
  inputs: readonly TraceInput[],
): readonly TraceDifference[] {
  return [...Map.groupBy(inputs, (input) => fileNameOf(files, input))].flatMap(([name, part]) =>
    differencesIn(files.file(name), part),
  );
}

function fileNameOf(files: TraceFiles, input: TraceInput): string {
  if (input.kind === 'entry' && input.entry.record.kind === 'host') {
    return dayOf(input.entry.record.at);
  }
  return files.nameForSession(sessionOf(input));
}

/** The newest time at which an input is counted. */
function timeOf(input: TraceInput): number {
  if (input.kind === 'message') return input.envelope.created;
  const { record } = input.entry;
  if (record.kind === 'leg') return Math.max(record.done, record.message.created);
  return record.kind === 'outcome' ? record.done : record.at;
}

/** Writes the inputs of one day in one transaction; returns the new states of their messages. */
function applyToFile(file: TraceFile, inputs: readonly TraceInput[]): readonly MessageState[] {
  return file.unsynced(() => {
    const changes = foldBatch(inputs, {
      state: (id) => readState(file, id),
      past: (id) => readPast(file, id),
      body: (sessionId, source) => file.bodies.put(sessionId, source),
    });
    for (const state of changes.messages) writeState(file, state);
    for (const attempt of changes.attempts) writeAttempt(file, attempt);
    for (const { id, settlement } of changes.past) writePast(file, id, settlement);
    for (const { scope, key } of changes.keys) file.keys.put(scope, key);
    for (const event of changes.events) writeEvent(file, event);
    for (const change of changes.statistics) writeStatistic(file, change);
    if (changes.added.length > 0) file.countMessages(changes.added.length);
    return changes.standing;
  });
}

/** What `applyToFile` would change in a day. */
function differencesIn(file: TraceFile, inputs: readonly TraceInput[]): readonly TraceDifference[] {
  const known = new Map<number, MessageState | undefined>();
  let found: readonly TraceDifference[] = [];
  file.rehearse(() => {
    const changes = foldBatch(inputs, {
      state: (id) => {
        const state = readState(file, id);
        known.set(id, state);
        return state;
      },
      past: (id) => readPast(file, id),
      body: (sessionId, source) => file.bodies.put(sessionId, source),
    });
    found = differencesOf(changes, (id) => known.get(id));
  });
  return found;
}

function writeEvent(file: TraceFile, { host, event, level, at, text, by }: HostRecord): void {
  file.run(
    'INSERT OR IGNORE INTO event(host, at, event, level, text, by) VALUES(?, ?, ?, ?, ?, ?)',
    file.words.number(host),
    at,
    event,
    LEVEL_CODE[level],
    text,
    by ?? null,
  );
}

const ADD_STATISTIC = `INSERT INTO statistic AS s VALUES(?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT(minute, host) DO UPDATE SET ${addedUp('max')}`;

/** Adds to a minute's roll-up. Only within a transaction. */
export function writeStatistic(file: TraceFile, change: StatisticChange): void {
  file.run(ADD_STATISTIC, ...rowOfStatistic(change, file.words));
}

/** Completes messages that were acknowledged but have no outcome. Returns how many. */
export function settleByFloor(
  files: TraceFiles,
  floors: readonly StreamFloor[],
  now: number,
): number {
  return presumeAll(files, now, {
    find: (file) => floors.flatMap((floor) => openBelow(file, floor)),
    presume: presumption,
  }).length;
}

/** Ends messages that a queue has lost. Returns their ids. */
export function settleLost(files: TraceFiles, lost: LostMessages, now: number): readonly number[] {
  return presumeAll(files, now, { find: (file) => openWithin(file, lost), presume: loss });
}

interface Open {
  readonly id: number;
  readonly sessionId: number;
}

function presumeAll(
  files: TraceFiles,
  now: number,
  {
    find,
    presume,
  }: {
    readonly find: (file: TraceFile) => readonly Open[];
    readonly presume: (state: MessageState, now: number) => Presumption;
  },
): number[] {
  const settled: number[] = [];
  for (const { name } of files.ranges()) {
    const file = files.file(name);
    const open = find(file);
    if (open.length === 0) continue;
    file.transaction(() => {
      for (const { id } of open) {
        const state = readState(file, id);
        if (state === undefined) continue;
        const { fact, statistic } = presume(state, now);
        writeState(file, fold(state, fact).state);
        writeStatistic(file, statistic);
      }
    });
    files.grew(name, {
      lastId: 0,
      lastMinute: Math.floor(now / 60_000),
      sessions: open.map(({ sessionId }) => sessionId),
    });
    settled.push(...open.map(({ id }) => id));
  }
  return settled;
}

const OPEN = 'SELECT id, session_id AS sessionId FROM message INDEXED BY message_queue';

function openBelow(file: TraceFile, { stream, floor }: StreamFloor): Open[] {
  const word = file.words.find(stream);
  if (word === undefined) return [];
  return file.all<Open>(`${OPEN} WHERE ${IN_QUEUE} AND stream = ? AND sequence <= ?`, word, floor);
}

function openWithin(file: TraceFile, { stream, from, to, before }: LostMessages): Open[] {
  const word = file.words.find(stream);
  if (word === undefined) return [];
  return file.all<Open>(
    `${OPEN} WHERE ${IN_QUEUE} AND stream = ? AND sequence BETWEEN ? AND ? AND created < ?`,
    word,
    from,
    to,
    before,
  );
}
