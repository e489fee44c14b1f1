import { describeError, EngineError, isEngineError } from '../../../error/engine-error.ts';
import { type Clock, systemClock } from '../../../time/clock.ts';
import { messageOf, sessionOf } from '../../batch.ts';
import type { Difference } from '../../difference.ts';
import type { MessageState } from '../../message-state.ts';
import type { TraceInput } from '../../trace-input.ts';
import type { TraceStore } from '../../trace-store.ts';
import type { StoredBody } from '../../traced-message.ts';
import type { Damage } from '../damage.ts';
import { dayOf } from '../day.ts';
import type { TraceCipher } from '../trace-cipher.ts';
import { applyToFile, differencesIn } from './apply.ts';
import { find } from './find.ts';
import { failures, replayList } from './list.ts';
import { pointsTo, purge } from './purge.ts';
import { purgePlan } from './purge-plan.ts';
import { fields, quickFind } from './quick-find.ts';
import { body, message, session } from './read.ts';
import { reindex } from './reindex.ts';
import { openMessages, settleByFloor, settleLost } from './settle.ts';
import { events, statistics } from './statistics.ts';
import { DamagedFileError } from './trace-file.ts';
import { TraceFiles } from './trace-files.ts';
import { hold, orphans, release, usage } from './upkeep.ts';

export interface SqliteTraceOptions {
  /** Holds one file a day and held.db; made if it is not there. One production's only, and one process writes to it. */
  readonly folder: string;
  /** Reads a large body from the object store, to search in it. Without it such a body holds nothing. */
  readonly largeBody?: ((ref: string, size: number) => Promise<Uint8Array | undefined>) | undefined;
  readonly clock?: Clock | undefined;
  /** Encrypts bodies and search keys, or reads what is. */
  readonly cipher?: TraceCipher | undefined;
  /** Told of each file that was found damaged and set aside; what of it the streams still hold is to be applied again. */
  readonly onDamaged?: ((damage: Damage) => void) | undefined;
}

/**
 * The trace in SQLite files. It works on the thread that calls it and blocks it for a few milliseconds
 * a batch or search slice: let the operator plane run in a thread of its own.
 */
export function sqliteTraceStore({
  folder,
  largeBody = () => Promise.resolve(undefined),
  clock = systemClock,
  onDamaged,
  cipher,
}: SqliteTraceOptions): TraceStore {
  const files = guarded(() => {
    const opened = new TraceFiles(folder, onDamaged, cipher);
    try {
      opened.checkKeys();
      return opened;
    } catch (error) {
      opened.close();
      throw error;
    }
  });
  const bytesOf = async (stored: StoredBody | undefined): Promise<Uint8Array | undefined> =>
    stored?.ref === undefined ? stored?.bytes : largeBody(stored.ref, stored.size);
  /** A damaged file is set aside, and the rest answers: a file at a time, so each time there is less to find damaged. */
  const attempt = async <Result>(work: () => Result | Promise<Result>): Promise<Result> => {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof DamagedFileError)) return unavailable(error);
        guarded(() => files.setAside(error.file));
      }
    }
  };
  const close = (): Promise<void> => attempt(() => files.close());
  return {
    apply: (inputs) => attempt(() => apply(files, inputs)),
    settleByFloor: (floors) => attempt(() => settleByFloor(files, floors, clock.now())),
    differences: (inputs) => attempt(() => differences(files, inputs)),
    settleLost: (lost) => attempt(() => settleLost(files, lost, clock.now())),
    find: (query, options) =>
      attempt(() =>
        find({ files, bytes: ({ id }) => bytesOf(body(files, id, 'message')) }, query, options),
      ),
    quickFind: (text, options) => attempt(() => quickFind(files, text, options)),
    fields: () => attempt(() => fields(files)),
    session: (id) => attempt(() => session(files, id)),
    message: (id) => attempt(() => message(files, id)),
    body: (id, part = 'message') => attempt(() => body(files, id, part)),
    events: (query) => attempt(() => events(files, query)),
    statistics: (query) => attempt(() => statistics(files, query)),
    replayList: (query) => attempt(() => replayList(files, query)),
    openMessages: (host, page) => attempt(() => openMessages(files, host, page)),
    failures: (query, shown) => attempt(() => failures(files, query, shown)),
    purge: (options) =>
      (options.dryRun === true ? purgePlan : purge)(files, options).catch(unavailable),
    reindex: (options) => reindex(files, options).catch(unavailable),
    hold: (sessionId, given) => attempt(() => hold(files, sessionId, given)),
    release: (sessionId) => attempt(() => release(files, sessionId)),
    usage: () => attempt(() => usage(files)),
    pointsTo: (bodyRef) => attempt(() => pointsTo(files, bodyRef)),
    orphans: () => attempt(() => orphans(files)),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** One transaction a day. Days are written oldest first; a crash between two is made good when the batch comes again. */
function apply(files: TraceFiles, inputs: readonly TraceInput[]): readonly MessageState[] {
  const standing: MessageState[] = [];
  const byFile = Map.groupBy(inputs, (input) => fileNameOf(files, input));
  for (const [name, part] of [...byFile].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    standing.push(...applyToFile(files.file(name), part));
    const ids = part.map((input) => messageOf(input) ?? 0);
    files.grew(name, {
      lastId: Math.max(...ids),
      lastMinute: Math.floor(Math.max(...part.map(timeOf)) / 60_000),
      sessions: part.map(sessionOf),
    });
  }
  return standing;
}

function differences(files: TraceFiles, inputs: readonly TraceInput[]): readonly Difference[] {
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

/** The newest time that an input is counted at. */
function timeOf(input: TraceInput): number {
  if (input.kind === 'message') return input.envelope.created;
  const { record } = input.entry;
  if (record.kind === 'leg') return Math.max(record.done, record.message.created);
  return record.kind === 'outcome' ? record.done : record.at;
}

function guarded<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    return unavailable(error);
  }
}

/** SQLite quotes no values in its errors, so its text may be shown. */
function unavailable(error: unknown): never {
  if (isEngineError(error) || (error instanceof Error && error.name === 'AbortError')) throw error;
  throw new EngineError(
    'STORE_UNAVAILABLE',
    `the trace store could not be read or written: ${describeError(error).text}`,
    { retryable: true },
  );
}
