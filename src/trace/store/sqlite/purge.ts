import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { idAtTime } from '../../../message/id.ts';
import {
  BODY_GRACE,
  type KeptMessage,
  type PurgeOptions,
  type PurgeReport,
} from '../../trace-store.ts';
import { BODY_ENCODING } from '../body-codec.ts';
import { dayOf, endOfDay, startOfDay } from '../day.ts';
import { NOT_COMPLETED, OPEN, statusOfCode } from '../stored-code.ts';
import { messageCount } from './apply.ts';
import { copySessions } from './session-copy.ts';
import type { TraceFile } from './trace-file.ts';
import type { TraceFiles } from './trace-files.ts';

const SESSIONS_AT_ONCE = 200;
const MESSAGES_AT_ONCE = 20_000;
export const KEPT_NAMED = 1_000;

type RemovedDay = PurgeReport['removed'][number];

/** Removes whole days; what is open or on hold moves to held.db first. */
export async function purge(files: TraceFiles, options: PurgeOptions): Promise<PurgeReport> {
  const removed: RemovedDay[] = [];
  for (const day of files.days().toReversed()) {
    const because = reasonToGo(files.totalBytes(), day, options);
    if (because === undefined) break;
    removed.push(await removeDay(files, day, { ...options, because }));
  }
  const released = dropSettled(files, options);
  return {
    removed,
    kept: keptMessages(files, options.now),
    keptSessions: files.held.count(),
    released,
    bodiesRemoved: await removeBodies(files, options),
  };
}

/** @param total what the store takes */
export function reasonToGo(
  total: number,
  day: string,
  { now, keep, maxBytes = Number.POSITIVE_INFINITY }: PurgeOptions,
): RemovedDay['because'] | undefined {
  if (endOfDay(day) + keep <= now) return 'age';
  return total > maxBytes && day < dayOf(now) ? 'size' : undefined;
}

export interface Removal {
  readonly because: RemovedDay['because'];
  readonly now: number;
  readonly keep: number;
  readonly signal?: AbortSignal | undefined;
}

async function removeDay(files: TraceFiles, day: string, removal: Removal): Promise<RemovedDay> {
  const { held } = files;
  const { because, now, signal } = removal;
  const removed = { day, because, bytes: files.bytes(day), messages: messageCount(files.day(day)) };
  using touched = files.watch(day);
  const copied = new Set<number>();
  const copy = (sessionIds: readonly number[]): void => {
    copySessions(files.day(day), held, sessionIds);
    for (const sessionId of sessionIds) copied.add(sessionId);
  };
  for (const part of slices(await sessionsToKeep(files, day, removal))) {
    signal?.throwIfAborted();
    copy(part);
    await yieldToOthers();
  }
  // nothing may await from here: what is copied now is what the day holds when it goes
  const changed = [...touched].filter(
    (sessionId) => copied.has(sessionId) || isToKeep(files.day(day), sessionId, removal),
  );
  const onHold = sessionsOnHold(files, day, now).filter((sessionId) => !copied.has(sessionId));
  for (const part of slices([...new Set([...changed, ...onHold])])) copy(part);
  const file = files.day(day);
  held.transaction(() => {
    keepStatistics(file, held);
    held.takeOver(day);
    for (const ref of bodyRefs(file)) held.lostPointer(ref, now);
  });
  files.remove(day);
  return removed;
}

function* slices(sessionIds: readonly number[]): Generator<number[]> {
  for (let at = 0; at < sessionIds.length; at += SESSIONS_AT_ONCE) {
    yield sessionIds.slice(at, at + SESSIONS_AT_ONCE);
  }
}

/** Sessions with a message in a queue or suspended, those on hold, and those that were settled lately. */
export async function sessionsToKeep(
  files: TraceFiles,
  day: string,
  removal: Removal,
): Promise<number[]> {
  const open = files
    .day(day)
    .all<{ session_id: number }>(
      `SELECT DISTINCT session_id FROM message INDEXED BY message_status
         WHERE ${NOT_COMPLETED} AND ${OPEN}`,
    )
    .map(({ session_id }) => session_id);
  const onHold = sessionsOnHold(files, day, removal.now);
  const late = await sessionsSettledSince(files, day, settledSince(removal));
  return [...new Set([...open, ...onHold, ...late])].toSorted((a, b) => a - b);
}

/** What was settled late has its time from then, unless room is needed. */
function settledSince({ because, now, keep }: Removal): number {
  return because === 'age' ? now - keep : Number.MAX_SAFE_INTEGER;
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

function isToKeep(file: TraceFile, sessionId: number, removal: Removal): boolean {
  const row = file.first(
    `SELECT 1 FROM message WHERE session_id = ? AND (${OPEN} OR done > ?) LIMIT 1`,
    sessionId,
    settledSince(removal),
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

/** Roll-ups outlive their messages, by the hour. Only within a transaction. */
function keepStatistics(from: TraceFile, to: TraceFile): void {
  const hours = from.all<{ hour: number; host: number } & Record<string, number>>(
    `SELECT minute / 60 * 60 AS hour, host, sum(n_in) AS n_in, sum(n_out) AS n_out,
       sum(n_error) AS n_error, sum(bytes) AS bytes, sum(latency) AS latency,
       max(latency_max) AS latency_max FROM statistic GROUP BY hour, host`,
  );
  for (const { hour, host, ...sums } of hours) {
    to.run(
      `INSERT INTO statistic VALUES(?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT(minute, host) DO UPDATE SET n_in=n_in+excluded.n_in, n_out=n_out+excluded.n_out,
         n_error=n_error+excluded.n_error, bytes=bytes+excluded.bytes,
         latency=latency+excluded.latency, latency_max=max(latency_max, excluded.latency_max)`,
      hour,
      to.words.number(from.words.text(host)),
      ...['n_in', 'n_out', 'n_error', 'bytes', 'latency', 'latency_max'].map(
        (column) => sums[column] ?? 0,
      ),
    );
  }
}

/** Keys of the large bodies of a day. */
function bodyRefs(file: TraceFile): string[] {
  return file
    .all<{ data: Uint8Array }>(
      `SELECT data FROM body INDEXED BY body_reference WHERE encoding = ${BODY_ENCODING.reference}`,
    )
    .map(({ data }) => Buffer.from(data).toString());
}

/** Whether a message of any day, or one that is kept beyond it, points to a large body. */
export const pointsTo = (files: TraceFiles, ref: string): boolean =>
  files.ranges().some(({ name }) => files.file(name).bodies.pointsTo(ref));

/** A resent message points to the large body of the first: it goes with the last of them. */
async function removeBodies(
  files: TraceFiles,
  { removeBody, signal, now }: PurgeOptions,
): Promise<number> {
  if (removeBody === undefined) return 0;
  let removed = 0;
  for (const ref of files.held.goneBodies(now - BODY_GRACE)) {
    signal?.throwIfAborted();
    if (!pointsTo(files, ref)) {
      await removeBody(ref);
      removed++;
    }
    files.held.forgetGoneBody(ref);
  }
  return removed;
}

/** Removes held sessions that were settled `keep` ago and are no longer on hold. */
function dropSettled({ held }: TraceFiles, { now, keep }: PurgeOptions): number {
  held.run('DELETE FROM hold WHERE until <= ?', now);
  const settled = settledSessions(held, now - keep);
  if (settled.length > 0) held.drop(settled, now);
  return settled.length;
}

/** Held sessions that were settled by then and are on no hold. */
export function settledSessions(held: TraceFile, by: number): number[] {
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

function keptMessages({ held }: TraceFiles, now: number): KeptMessage[] {
  const onHold = held.all<Row>(
    `SELECT m.id, m.session_id, m.target, m.created FROM hold CROSS JOIN message m ON m.id=hold.session_id
       WHERE hold.until IS NULL OR hold.until > ? LIMIT ?`,
    now,
    KEPT_NAMED,
  );
  return [...openMessagesIn(held), ...onHold.map((row) => named(held, 'held', row))].slice(
    0,
    KEPT_NAMED,
  );
}

interface Row {
  readonly id: number;
  readonly session_id: number;
  readonly target: number;
  readonly created: number;
}

const named = (file: TraceFile, reason: KeptMessage['reason'], row: Row): KeptMessage => ({
  sessionId: row.session_id,
  messageId: row.id,
  host: file.words.text(row.target),
  reason,
  since: row.created,
});

/** Messages of a file that are open, oldest first. */
export function openMessagesIn(file: TraceFile): KeptMessage[] {
  const open = file.all<Row & { status: number }>(
    `SELECT id, session_id, target, status, created FROM message INDEXED BY message_status
       WHERE ${NOT_COMPLETED} AND ${OPEN} ORDER BY id LIMIT ?`,
    KEPT_NAMED,
  );
  return open.map((row) => named(file, statusOfCode(row.status), row));
}
