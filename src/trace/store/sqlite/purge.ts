import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { idAtTime } from '../../../message/id.ts';
import type { KeptMessage } from '../../trace-store.ts';
import { BODY_ENCODING } from '../body-codec.ts';
import { endOfDay, startOfDay } from '../day.ts';
import { KEPT_NAMED, type Keeping, type KeptRow, keptMessage, type PurgedStore } from '../purge.ts';
import { STATISTIC_SUMS, type StatisticRow, statisticOfRow } from '../statistics.ts';
import { NOT_COMPLETED, OPEN } from '../stored-code.ts';
import { writeStatistic } from './apply.ts';
import { copySessions } from './held-file.ts';
import { unmarkDay } from './mark.ts';
import { keepRead } from './read-floors.ts';
import { dropRollUps } from './running.ts';
import type { TraceFile } from './trace-file.ts';
import type { TraceFiles } from './trace-files.ts';

const SESSIONS_AT_ONCE = 200;
const MESSAGES_AT_ONCE = 20_000;

/** The files for a purge: what is open or on hold moves to held.db before its day is removed. */
export function purgedFiles(files: TraceFiles): PurgedStore {
  return {
    days: () => files.days().toReversed(),
    totalBytes: () => files.totalBytes(),
    sizeOf: (day) => sizeOf(files, day),
    countToKeep: async (day, keeping) => (await sessionsToKeep(files, day, keeping)).length,
    removeDay: (day, keeping, signal) => removeDay(files, day, keeping, signal),
    heldSessions: () => files.held.count(),
    countSettledHeld: (by) => settledHeld(files.held, by).length,
    dropSettledHeld: (by, now) => dropSettledHeld(files, by, now),
    dropRollUps: (before) => dropRollUps(files, before),
    openMessages: (part) => openMessages(files.file(part)),
    messagesOnHold: (now) => messagesOnHold(files, now),
    goneBodies: (until) => files.held.goneBodies(until),
    pointsTo: (ref) => pointsTo(files, ref),
    forgetGoneBody: (ref) => files.held.forgetGoneBody(ref),
  };
}

function sizeOf(files: TraceFiles, day: string): { bytes: number; messages: number } {
  return { bytes: files.bytes(day), messages: files.day(day).messageCount() };
}

async function removeDay(
  files: TraceFiles,
  day: string,
  keeping: Keeping,
  signal: AbortSignal | undefined,
): Promise<{ bytes: number; messages: number }> {
  const { held } = files;
  const size = sizeOf(files, day);
  using touched = files.watch(day);
  const copied = new Set<number>();
  const copy = (sessionIds: readonly number[]): void => {
    copySessions(files.day(day), held, sessionIds);
    for (const sessionId of sessionIds) copied.add(sessionId);
  };
  for (const part of slices(await sessionsToKeep(files, day, keeping))) {
    signal?.throwIfAborted();
    copy(part);
    await yieldToOthers();
  }
  // nothing may await from here: what is copied must be the day's content when it is removed
  const changed = [...touched].filter(
    (sessionId) => copied.has(sessionId) || isToKeep(files.day(day), sessionId, keeping),
  );
  const onHold = sessionsOnHold(files, day, keeping.now).filter(
    (sessionId) => !copied.has(sessionId),
  );
  for (const part of slices([...new Set([...changed, ...onHold])])) copy(part);
  const file = files.day(day);
  held.transaction(() => {
    keepStatistics(file, held);
    held.takeOver(day);
    unmarkDay(files, day);
    keepRead(files, day);
    for (const ref of bodyRefs(file)) held.lostPointer(ref, keeping.now);
  });
  files.remove(day);
  return size;
}

function* slices(sessionIds: readonly number[]): Generator<number[]> {
  for (let at = 0; at < sessionIds.length; at += SESSIONS_AT_ONCE) {
    yield sessionIds.slice(at, at + SESSIONS_AT_ONCE);
  }
}

/** Sessions with a message in a queue or suspended, those on hold, and those that were recently settled. */
async function sessionsToKeep(
  files: TraceFiles,
  day: string,
  { now, settledSince }: Keeping,
): Promise<number[]> {
  const open = files
    .day(day)
    .all<{ session_id: number }>(
      `SELECT DISTINCT session_id FROM message INDEXED BY message_status
         WHERE ${NOT_COMPLETED} AND ${OPEN}`,
    )
    .map(({ session_id }) => session_id);
  const onHold = sessionsOnHold(files, day, now);
  const late = await sessionsSettledSince(files, day, settledSince);
  return [...new Set([...open, ...onHold, ...late])].toSorted((a, b) => a - b);
}

async function sessionsSettledSince(
  files: TraceFiles,
  day: string,
  since: number,
): Promise<Set<number>> {
  const found = new Set<number>();
  let after = 0;
  for (;;) {
    const file = files.day(day);
    const [end] = file.all<{ id: number | null }>(
      'SELECT max(id) AS id FROM (SELECT id FROM message WHERE id > ? ORDER BY id LIMIT ?)',
      after,
      MESSAGES_AT_ONCE,
    );
    if (end?.id === undefined || end.id === null) return found;
    const rows = file.all<{ session_id: number }>(
      'SELECT DISTINCT session_id FROM message NOT INDEXED WHERE id > ? AND id <= ? AND done > ?',
      after,
      end.id,
      since,
    );
    for (const { session_id } of rows) found.add(session_id);
    after = end.id;
    await yieldToOthers();
  }
}

function isToKeep(file: TraceFile, sessionId: number, { settledSince }: Keeping): boolean {
  const row = file.first(
    `SELECT 1 FROM message WHERE session_id = ? AND (${OPEN} OR done > ?) LIMIT 1`,
    sessionId,
    settledSince,
  );
  return row !== undefined;
}

function sessionsOnHold(files: TraceFiles, day: string, now: number): number[] {
  return files.held
    .all<{ session_id: number }>(
      `SELECT session_id FROM hold WHERE session_id BETWEEN ? AND ? AND (until IS NULL OR until > ?)`,
      idAtTime(startOfDay(day)),
      idAtTime(endOfDay(day)) - 1,
      now,
    )
    .map(({ session_id }) => session_id)
    .filter((sessionId) => hasSession(files.day(day), sessionId));
}

function hasSession(file: TraceFile, sessionId: number): boolean {
  return file.first('SELECT 1 FROM message WHERE session_id=? LIMIT 1', sessionId) !== undefined;
}

/** Roll-ups are kept longer than their messages, by the hour. Only within a transaction. */
function keepStatistics(from: TraceFile, to: TraceFile): void {
  const hours = from.all<StatisticRow>(
    `SELECT minute / 60 * 60 AS minute, host, ${STATISTIC_SUMS} FROM statistic GROUP BY minute / 60, host`,
  );
  for (const row of hours) writeStatistic(to, statisticOfRow(row, from.words));
}

/** Keys of the large bodies of a day. */
function bodyRefs(file: TraceFile): string[] {
  return file
    .all<{ data: Uint8Array }>(
      `SELECT data FROM body INDEXED BY body_reference WHERE encoding = ${BODY_ENCODING.reference}`,
    )
    .map(({ data }) => Buffer.from(data).toString());
}

/** Whether a message of any day, or one kept beyond its day, refers to a large body. */
export const pointsTo = (files: TraceFiles, ref: string): boolean =>
  files.ranges().some(({ name }) => files.file(name).bodies.pointsTo(ref));

/** Ends expired holds, and removes held sessions that were settled by then and are on no other hold. */
function dropSettledHeld({ held }: TraceFiles, by: number, now: number): number {
  held.run('DELETE FROM hold WHERE until <= ?', now);
  const settled = settledHeld(held, by);
  if (settled.length > 0) held.drop(settled, now);
  return settled.length;
}

/** Held sessions that were settled by then and are not on hold. */
function settledHeld(held: TraceFile, by: number): number[] {
  return held
    .all<{ session_id: number }>(
      `SELECT session_id FROM held_session h WHERE staged=0
         AND session_id NOT IN (SELECT session_id FROM hold)
         AND NOT EXISTS (SELECT 1 FROM message m WHERE m.session_id=h.session_id AND m.${OPEN})
         AND (SELECT max(coalesce(m.done, m.created)) FROM message m WHERE m.session_id=h.session_id) <= ?`,
      by,
    )
    .map(({ session_id }) => session_id);
}

function messagesOnHold({ held }: TraceFiles, now: number): KeptMessage[] {
  return held
    .all<KeptRow>(
      `SELECT m.id, m.session_id, m.target, m.status, m.created
         FROM hold CROSS JOIN message m ON m.id=hold.session_id
         WHERE hold.until IS NULL OR hold.until > ? LIMIT ?`,
      now,
      KEPT_NAMED,
    )
    .map((row) => keptMessage(row, held.words, 'held'));
}

function openMessages(file: TraceFile): KeptMessage[] {
  return file
    .all<KeptRow>(
      `SELECT id, session_id, target, status, created FROM message INDEXED BY message_status
         WHERE ${NOT_COMPLETED} AND ${OPEN} ORDER BY id LIMIT ?`,
      KEPT_NAMED,
    )
    .map((row) => keptMessage(row, file.words));
}
