import { fold } from '../../fold.ts';
import type { MessageState } from '../../message-state.ts';
import type { LostMessages, OpenMessage, OpenPage, StreamFloor } from '../../trace-store.ts';
import { loss, type Presumption, presumption } from '../presumption.ts';
import { IN_QUEUE, NOT_COMPLETED, STATUS_CODE, statusOfCode } from '../stored-code.ts';
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
  return presumeAll(files, now, {
    find: (file) => floors.flatMap((floor) => openBelow(file, floor)),
    presume: presumption,
  }).length;
}

/** Ends what a queue has lost. Returns the ids. */
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
