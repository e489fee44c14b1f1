import { hash } from 'node:crypto';
import type { StreamRead } from '../../../broker/stream-reader.ts';
import type { Database, PostgresSession, SqlValue } from '../../../database/postgres.ts';
import type { HostRecord } from '../../../message/record.ts';
import {
  type BatchChanges,
  foldBatch,
  messageOf,
  type StatisticChange,
  sessionOf,
} from '../../batch.ts';
import { differencesOf, type TraceDifference } from '../../difference.ts';
import { fold } from '../../fold.ts';
import { keyValue } from '../../key-value.ts';
import type { MessageState } from '../../message-state.ts';
import type { ScopeId } from '../../scope.ts';
import type { SearchKey, TraceInput } from '../../trace-input.ts';
import type { LostMessages, StreamFloor } from '../../trace-store.ts';
import { dayOfSession } from '../day.ts';
import { loss, type Presumption, presumption } from '../settle.ts';
import { addedUp, rowOfStatistic } from '../statistics.ts';
import { IN_QUEUE, LEVEL_CODE } from '../stored-code.ts';
import { storedKey } from '../trace-cipher.ts';
import type { Memory } from './memory.ts';
import {
  readPast,
  readStates,
  wordsOfStates,
  writeAttempts,
  writePast,
  writeStates,
} from './message-table.ts';
import type { WordTable } from './word-table.ts';

/** Writes a batch in one transaction; returns the new states of its messages. */
export async function apply(
  db: Database,
  memory: Memory,
  {
    inputs,
    read,
  }: { readonly inputs: readonly TraceInput[]; readonly read?: readonly StreamRead[] | undefined },
): Promise<readonly MessageState[]> {
  return memory.batch(db, read ?? [], async (session) => {
    const sessionIds = [...new Set(inputs.map(sessionOf))].filter((id) => id > 0);
    await memory.partitions.ensure(session, sessionIds.map(dayOfSession));
    const changes = await changesOf(session, memory, { inputs, sessionIds });
    await writeChanges(session, memory, changes);
    return changes.standing;
  });
}

/** What `apply` would change. */
export async function differences(
  db: Database,
  memory: Memory,
  inputs: readonly TraceInput[],
): Promise<readonly TraceDifference[]> {
  let found: readonly TraceDifference[] = [];
  const undone = new Error('undone');
  try {
    await memory.transaction(db, async (session) => {
      const sessionIds = [...new Set(inputs.map(sessionOf))].filter((id) => id > 0);
      const ids = [...new Set(inputs.flatMap((input) => messageOf(input) ?? []))];
      const known = await readStates(session, memory.words, { ids, sessionIds });
      const changes = await changesOf(session, memory, { inputs, sessionIds });
      found = differencesOf(changes, (id) => known.get(id));
      throw undone;
    });
  } catch (error) {
    if (error !== undone) throw error;
  }
  return found;
}

async function changesOf(
  session: PostgresSession,
  memory: Memory,
  {
    inputs,
    sessionIds,
  }: { readonly inputs: readonly TraceInput[]; readonly sessionIds: readonly number[] },
): Promise<BatchChanges> {
  const ids = [...new Set(inputs.flatMap((input) => messageOf(input) ?? []))];
  const states = await readStates(session, memory.words, { ids, sessionIds });
  const anySettled = [...states.values()].some(({ settlement }) => settlement !== undefined);
  const past = anySettled ? await readPast(session, sessionIds) : new Map<number, never[]>();
  await memory.bodies.prepare(session, sessionIds);
  return foldBatch(inputs, {
    state: (id) => states.get(id),
    past: (id) => past.get(id) ?? [],
    body: (sessionId, source) => memory.bodies.put(sessionId, source),
  });
}

async function writeChanges(
  session: PostgresSession,
  memory: Memory,
  changes: BatchChanges,
): Promise<void> {
  const { words } = memory;
  await words.add(session, [
    ...wordsOfStates(changes.messages),
    ...changes.attempts.map(({ error }) => error.code),
    ...changes.keys.map(({ key }) => key.name),
    ...changes.events.map(({ host }) => host),
    ...changes.statistics.map(({ host }) => host),
  ]);
  await memory.bodies.flush(session);
  await writeStates(session, changes.messages, memory);
  await writeAttempts(session, changes.attempts, words);
  await writePast(session, changes.past);
  // a branch may begin later than the day of its session
  const branches = changes.keys.filter(({ sessionId, scope }) => scope !== sessionId);
  await memory.partitions.ensure(
    session,
    new Set(branches.map(({ scope }) => dayOfSession(scope))),
  );
  await writeKeys(session, memory, changes.keys);
  await writeEvents(session, memory, changes.events);
  await writeStatistics(session, memory, changes.statistics);
  await countMessages(session, changes);
}

/** Returns how many are new. Only within a transaction, with the names' words added. */
export async function writeKeys(
  session: PostgresSession,
  { words, cipher }: Memory,
  keys: readonly { readonly scope: ScopeId; readonly key: SearchKey }[],
): Promise<number> {
  const rows = keys
    .map(({ scope, key }) => ({
      scope,
      name: words.number(key.name),
      value: keyValue(key.value),
    }))
    .filter(({ value }) => value !== '')
    .map((row) => ({ ...row, value: storedKey(row.value, cipher) }));
  if (rows.length === 0) return 0;
  await session.run('INSERT INTO key_name SELECT * FROM unnest(?::int[]) ON CONFLICT DO NOTHING', [
    ...new Set(rows.map(({ name }) => name)),
  ]);
  return session.run(
    `INSERT INTO skey(session_id, name, value) SELECT * FROM unnest(?::bigint[], ?::int[], ?::text[])
     ON CONFLICT DO NOTHING`,
    rows.map(({ scope }) => scope),
    rows.map(({ name }) => name),
    rows.map(({ value }) => value),
  );
}

async function writeEvents(
  session: PostgresSession,
  { words }: Memory,
  events: readonly HostRecord[],
): Promise<void> {
  if (events.length === 0) return;
  const column = (value: (event: HostRecord) => SqlValue): SqlValue[] => events.map(value);
  await session.run(
    `INSERT INTO event(host, at, event, digest, level, text, by)
     SELECT * FROM unnest(?::int[], ?::bigint[], ?::text[], ?::text[], ?::smallint[], ?::text[], ?::text[])
     ON CONFLICT DO NOTHING`,
    column(({ host }) => words.number(host)),
    column(({ at }) => at),
    column(({ event }) => event),
    // an index cannot contain long texts
    column(({ text }) => hash('sha256', text, 'hex').slice(0, 16)),
    column(({ level }) => LEVEL_CODE[level]),
    column(({ text }) => text),
    column(({ by }) => by ?? null),
  );
}

const ADD_STATISTICS = `INSERT INTO statistic AS s SELECT * FROM unnest(
    ?::bigint[], ?::int[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[])
  ON CONFLICT(minute, host) DO UPDATE SET ${addedUp('greatest')}`;

/** Only within a transaction, with the hosts' words added. */
async function writeStatistics(
  session: PostgresSession,
  { words }: Memory,
  changes: readonly StatisticChange[],
): Promise<void> {
  if (changes.length === 0) return;
  const rows = changes.map((change) => rowOfStatistic(change, words));
  await session.run(
    ADD_STATISTICS,
    ...Array.from({ length: 8 }, (_, at) => rows.map((row) => row[at] ?? 0)),
  );
}

/** Maintains the number of messages of a day, since counting would scan the whole partition. */
async function countMessages(session: PostgresSession, { added }: BatchChanges): Promise<void> {
  const perDay = Map.groupBy(added, dayOfSession);
  for (const [day, sessions] of perDay) {
    await session.run('UPDATE day SET messages = messages + ? WHERE day = ?', sessions.length, day);
  }
}

/** Completes messages that were acknowledged but have no outcome. Returns how many. */
export function settleByFloor(
  db: Database,
  memory: Memory,
  { floors, now }: { readonly floors: readonly StreamFloor[]; readonly now: number },
): Promise<number> {
  return memory.transaction(db, async (session) => {
    const open = await openBelow(session, memory.words, floors);
    const settled = await presumeAll(session, memory, {
      open,
      presume: (state) => presumption(state, now),
    });
    return settled.length;
  });
}

/** Ends messages that a queue has lost. Returns their ids. */
export function settleLost(
  db: Database,
  memory: Memory,
  { lost, now }: { readonly lost: LostMessages; readonly now: number },
): Promise<readonly number[]> {
  return memory.transaction(db, async (session) => {
    const word = memory.words.find(lost.stream);
    if (word === undefined) return [];
    const open = await session.rows<Open>(
      `SELECT id, session_id AS "sessionId" FROM message
         WHERE ${IN_QUEUE} AND stream = ? AND sequence BETWEEN ? AND ? AND created < ?`,
      word,
      lost.from,
      lost.to,
      lost.before,
    );
    return presumeAll(session, memory, { open, presume: (state) => loss(state, now) });
  });
}

interface Open {
  readonly id: number;
  readonly sessionId: number;
}

async function presumeAll(
  session: PostgresSession,
  memory: Memory,
  {
    open,
    presume,
  }: { readonly open: readonly Open[]; readonly presume: (state: MessageState) => Presumption },
): Promise<number[]> {
  if (open.length === 0) return [];
  const states = await readStates(session, memory.words, {
    ids: open.map(({ id }) => id),
    sessionIds: open.map(({ sessionId }) => sessionId),
  });
  const presumed = [...states.values()].map(presume);
  const settled = presumed.map(({ state, fact }) => fold(state, fact).state);
  await memory.words.add(session, wordsOfStates(settled));
  await writeStates(session, settled, memory);
  for (const { statistic } of presumed) await writeStatistics(session, memory, [statistic]);
  return settled.map(({ id }) => id);
}

async function openBelow(
  session: PostgresSession,
  words: WordTable,
  floors: readonly StreamFloor[],
): Promise<Open[]> {
  const lost: Open[] = [];
  for (const { stream, floor } of floors) {
    const word = words.find(stream);
    if (word === undefined) continue;
    const rows = await session.rows<Open>(
      `SELECT id, session_id AS "sessionId" FROM message WHERE ${IN_QUEUE} AND stream = ? AND sequence <= ?`,
      word,
      floor,
    );
    lost.push(...rows);
  }
  return lost;
}
