import { fold } from '../fold.ts';
import { presumption } from '../presumption.ts';
import { IN_QUEUE, NOT_COMPLETED, STATUS_CODE, statusOfCode } from '../stored-code.ts';
import type { OpenMessage, OpenPage, StreamFloor } from '../trace-store.ts';
import { writeStatistic } from './apply.ts';
import { readState, writeState } from './message-table.ts';
import type { TraceFile } from './trace-file.ts';
import type { TraceFiles } from './trace-files.ts';

/** Completes what was acknowledged although its outcome is missing. Returns how many. */
export function settleByFloor(
  files: TraceFiles,
  floors: readonly StreamFloor[],
  now: number,
): number {
  let settled = 0;
  for (const { name } of files.ranges()) {
    const file = files.file(name);
    const lost = floors.flatMap((floor) => lostIn(file, floor));
    if (lost.length === 0) continue;
    file.transaction(() => {
      for (const { id } of lost) presume(file, id, now);
    });
    files.grew(name, {
      lastId: 0,
      lastMinute: Math.floor(now / 60_000),
      sessions: lost.map(({ sessionId }) => sessionId),
    });
    settled += lost.length;
  }
  return settled;
}

interface Lost {
  readonly id: number;
  readonly sessionId: number;
}

function lostIn(file: TraceFile, { stream, floor }: StreamFloor): Lost[] {
  const word = file.words.find(stream);
  if (word === undefined) return [];
  return file.all<Lost>(
    `SELECT id, session_id AS sessionId FROM message INDEXED BY message_queue
         WHERE ${IN_QUEUE} AND stream = ? AND sequence <= ?`,
    word,
    floor,
  );
}

function presume(file: TraceFile, id: number, now: number): void {
  const state = readState(file, id);
  if (state === undefined) return;
  const { fact, statistic } = presumption(state, now);
  writeState(file, fold(state, fact).state);
  writeStatistic(file, statistic);
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
      .all<{
        id: number;
        session_id: number;
        created: number;
        stream: number | null;
        sequence: number | null;
      }>(
        `SELECT id, session_id, created, stream, sequence FROM message INDEXED BY message_status
           WHERE ${NOT_COMPLETED} AND status = ? AND id > ? AND target = ? ORDER BY id LIMIT ?`,
        status,
        after,
        word,
        limit,
      )
      .map((row) => ({
        id: row.id,
        sessionId: row.session_id,
        status: statusOfCode(status),
        created: row.created,
        queue:
          row.stream === null || row.sequence === null
            ? undefined
            : { stream: file.words.text(row.stream), sequence: row.sequence },
      })),
  );
}
