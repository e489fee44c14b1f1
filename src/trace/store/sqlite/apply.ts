import type { HostRecord } from '../../../message/record.ts';
import { foldBatch, type StatisticChange } from '../../batch.ts';
import { type Difference, differencesOf } from '../../difference.ts';
import type { MessageState } from '../../message-state.ts';
import type { TraceInput } from '../../trace-input.ts';
import { LEVEL_CODE } from '../stored-code.ts';
import { readPast, readState, writeAttempt, writePast, writeState } from './message-table.ts';
import type { TraceFile } from './trace-file.ts';

/** Writes the inputs of one day in one transaction; how their messages stand then. */
export function applyToFile(
  file: TraceFile,
  inputs: readonly TraceInput[],
): readonly MessageState[] {
  return file.transaction(() => {
    const changes = foldBatch(inputs, {
      state: (id) => readState(file, id),
      past: (id) => readPast(file, id),
      body: (sessionId, source) => file.bodies.put(sessionId, source),
    });
    for (const state of changes.messages) writeState(file, state);
    for (const attempt of changes.attempts) writeAttempt(file, attempt);
    for (const { id, settlement } of changes.past) writePast(file, id, settlement);
    for (const { sessionId, key } of changes.keys) file.keys.put(sessionId, key);
    for (const event of changes.events) writeEvent(file, event);
    for (const change of changes.statistics) writeStatistic(file, change);
    if (changes.added.length > 0) countMessages(file, changes.added.length);
    return changes.standing;
  });
}

/** What `applyToFile` would change in a day. */
export function differencesIn(
  file: TraceFile,
  inputs: readonly TraceInput[],
): readonly Difference[] {
  const known = new Map<number, MessageState | undefined>();
  let found: readonly Difference[] = [];
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

/** Adds to a minute's roll-up. Only within a transaction. */
export function writeStatistic(file: TraceFile, change: StatisticChange): void {
  file.run(
    `INSERT INTO statistic VALUES(?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT(minute, host) DO UPDATE SET n_in=n_in+excluded.n_in, n_out=n_out+excluded.n_out,
       n_error=n_error+excluded.n_error, bytes=bytes+excluded.bytes, latency=latency+excluded.latency,
       latency_max=max(latency_max, excluded.latency_max)`,
    change.minute,
    file.words.number(change.host),
    change.in,
    change.out,
    change.errors,
    change.bytes,
    change.latency,
    change.latencyMax,
  );
}

/** Keeps the number of messages, which would take a walk through the whole table to count. */
export function countMessages(file: TraceFile, added: number): void {
  file.run(
    `INSERT INTO note(name, value) VALUES('messages', ?)
     ON CONFLICT(name) DO UPDATE SET value=CAST(value AS INTEGER)+?`,
    String(added),
    added,
  );
}

export function messageCount(file: TraceFile): number {
  return Number(file.note('messages') ?? 0);
}
