import type { Database, Session } from '../../database/postgres.ts';
import { fold } from '../fold.ts';
import { presumption } from '../presumption.ts';
import { IN_QUEUE, NOT_COMPLETED, QUEUED, statusOfCode } from '../stored-code.ts';
import type { OpenMessage, OpenPage, StreamFloor } from '../trace-store.ts';
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
    const lost = await lostBelow(session, memory.words, floors);
    if (lost.length === 0) return 0;
    const states = await readStates(session, memory.words, {
      ids: lost.map(({ id }) => id),
      sessionIds: lost.map(({ sessionId }) => sessionId),
    });
    const presumed = [...states.values()].map((state) => presumption(state, now));
    const settled = presumed.map(({ state, fact }) => fold(state, fact).state);
    await memory.words.add(session, wordsOfStates(settled));
    await writeStates(session, settled, memory);
    for (const { statistic } of presumed) await writeStatistics(session, memory, [statistic]);
    return settled.length;
  });
}

async function lostBelow(
  session: Session,
  words: WordTable,
  floors: readonly StreamFloor[],
): Promise<{ id: number; sessionId: number }[]> {
  const lost: { id: number; sessionId: number }[] = [];
  for (const { stream, floor } of floors) {
    const word = words.find(stream);
    if (word === undefined) continue;
    const rows = await session.rows<{ id: number; sessionId: number }>(
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
