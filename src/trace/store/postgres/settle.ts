import type { Database, Session } from '../../../database/postgres.ts';
import { fold } from '../../fold.ts';
import type { MessageState } from '../../message-state.ts';
import type { LostMessages, OpenMessage, OpenPage, StreamFloor } from '../../trace-store.ts';
import { loss, type Presumption, presumption } from '../presumption.ts';
import { IN_QUEUE, NOT_COMPLETED, QUEUED, statusOfCode } from '../stored-code.ts';
import { writeStatistics } from './apply.ts';
import type { Memory } from './memory.ts';
import { readStates, wordsOfStates, writeStates } from './message-table.ts';
import type { WordTable } from './word-table.ts';

/** Completes what was acknowledged although its outcome is missing. Returns how many. */
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

/** Ends what a queue has lost. Returns the ids. */
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
  session: Session,
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
  session: Session,
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

/** Oldest first. */
export async function openMessages(
  db: Database,
  words: WordTable,
  { host, after = 0, limit = 1_000 }: OpenPage & { readonly host: string },
): Promise<OpenMessage[]> {
  await words.refresh(db);
  const word = words.find(host);
  if (word === undefined) return [];
  const rows = await db.rows<{
    id: number;
    session_id: number;
    status: number;
    created: number;
    stream: number | null;
    sequence: number | null;
  }>(
    `SELECT id, session_id, status, created, stream, sequence FROM message
       WHERE ${NOT_COMPLETED} AND ${QUEUED} AND id > ? AND target = ? ORDER BY id LIMIT ?`,
    after,
    word,
    limit,
  );
  return rows.map((row) => ({
    id: row.id,
    sessionId: row.session_id,
    status: statusOfCode(row.status),
    created: row.created,
    queue:
      row.stream === null || row.sequence === null
        ? undefined
        : { stream: words.text(row.stream), sequence: row.sequence },
  }));
}
