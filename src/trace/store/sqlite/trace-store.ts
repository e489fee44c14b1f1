import { sqliteTrouble } from '../../../database/sqlite-trouble.ts';
import { type Clock, systemClock } from '../../../time/clock.ts';
import { quickFind } from '../../quick-find.ts';
import type { LargeBody } from '../../search.ts';
import type { TraceStore } from '../../trace-store.ts';
import type { Damage, MovedFile } from '../damage.ts';
import { purge, purgePlan } from '../purge.ts';
import { INDEXING, indexingOf, reindex, withIndexing } from '../reindex.ts';
import type { TraceCipher } from '../trace-cipher.ts';
import { unavailable } from '../unavailable.ts';
import { apply, differences, settleByFloor, settleLost } from './apply.ts';
import { find, quickFindFiles } from './find.ts';
import { mark, setMark } from './mark.ts';
import { pointsTo, purgedFiles } from './purge.ts';
import {
  body,
  events,
  failures,
  fields,
  message,
  openMessages,
  outcomes,
  replayList,
  session,
  statistics,
} from './read.ts';
import { readUpTo, setReadUpTo } from './read-floors.ts';
import { hostHours, sawRunning } from './running.ts';
import { DamagedFileError } from './trace-file.ts';
import { TraceFiles } from './trace-files.ts';
import { hold, indexedFiles, orphans, release, usage } from './upkeep.ts';

export interface SqliteTraceOptions {
  /** Contains one file per day and held.db; created if missing. Only for one production, and written by one process. */
  readonly folder: string;
  /** Reads a large body from the object store, to search in it. Without it such a body is treated as empty. */
  readonly largeBody?: LargeBody | undefined;
  readonly clock?: Clock | undefined;
  /** Encrypts bodies and search keys, or only reads encrypted ones. */
  readonly cipher?: TraceCipher | undefined;
  /**
   * Called for each file that was found damaged and set aside; what the streams still contain of it
   * has to be applied again.
   */
  readonly onDamaged?: ((damage: Damage) => void) | undefined;
  /** Called for each file that was removed or replaced while it was open, and that has been written again. */
  readonly onMoved?: ((moved: MovedFile) => void) | undefined;
}

/**
 * The trace in SQLite files. It works on the calling thread and blocks it for a few milliseconds
 * per batch or search slice: run the operator plane in its own thread.
 */
export function sqliteTraceStore({
  folder,
  largeBody = () => Promise.resolve(undefined),
  clock = systemClock,
  onDamaged,
  onMoved,
  cipher,
}: SqliteTraceOptions): TraceStore {
  const failed = (error: unknown): never => unavailable(sqliteTrouble(error, folder));
  const files = guarded(failed, () => openFiles({ folder, onDamaged, onMoved, cipher }));
  const { attempt, write } = attempts(files, failed);
  const close = (): Promise<void> => attempt(() => files.close());
  return {
    apply: (inputs, read) => write(() => apply(files, inputs, read)),
    settleByFloor: (floors) => attempt(() => settleByFloor(files, floors, clock.now())),
    differences: (inputs) => attempt(() => differences(files, inputs)),
    settleLost: (lost) => attempt(() => settleLost(files, lost, clock.now())),
    find: (query, options) =>
      attempt(async () => {
        const page = await find({ files, largeBody }, query, options);
        return withIndexing(page, query, files.held.note(INDEXING));
      }),
    quickFind: (text, options) =>
      attempt(() => quickFind(text, quickFindFiles({ files, largeBody }), options)),
    indexing: () => attempt(() => indexingOf(files.held.note(INDEXING))),
    fields: () => attempt(() => fields(files)),
    session: (id) => attempt(() => session(files, id)),
    message: (id) => attempt(() => message(files, id)),
    outcomes: (ids) => attempt(() => outcomes(files, ids)),
    body: (id, part = 'message') => attempt(() => body(files, id, part)),
    events: (query) => attempt(() => events(files, query)),
    statistics: (query) => attempt(() => statistics(files, query)),
    hostHours: (query) => attempt(() => hostHours(files, query)),
    sawRunning: (hosts, at) => attempt(() => sawRunning(files, hosts, at)),
    replayList: (query) => attempt(() => replayList(files, query)),
    openMessages: (host, page) => attempt(() => openMessages(files, host, page)),
    failures: (query, shown) => attempt(() => failures(files, query, shown)),
    purge: (options) =>
      (options.dryRun === true ? purgePlan : purge)(purgedFiles(files), options).catch(failed),
    reindex: (options) => reindex(indexedFiles(files), options).catch(failed),
    hold: (sessionId, given) => attempt(() => hold(files, sessionId, given)),
    release: (sessionId) => attempt(() => release(files, sessionId)),
    usage: () => attempt(() => usage(files)),
    mark: () => attempt(() => mark(files)),
    setMark: (own) => write(() => setMark(files, own)),
    readUpTo: () => attempt(() => readUpTo(files)),
    setReadUpTo: (read) => write(() => setReadUpTo(files, read)),
    pointsTo: (bodyRef) => attempt(() => pointsTo(files, bodyRef)),
    orphans: () => attempt(() => orphans(files)),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function openFiles({ folder, ...options }: SqliteTraceOptions): TraceFiles {
  const opened = new TraceFiles(folder, options);
  try {
    opened.checkKeys();
    return opened;
  } catch (error) {
    opened.close();
    throw error;
  }
}

interface Attempts {
  /** A damaged file is set aside, and the rest answers. This ends, since each time there is one file fewer. */
  readonly attempt: <Result>(work: () => Result | Promise<Result>) => Promise<Result>;
  /** The same for what changes the files, since what is written to a file that nobody finds is lost. */
  readonly write: <Result>(work: () => Result | Promise<Result>) => Promise<Result>;
}

/** Throws a failure as STORE_UNAVAILABLE. */
type Failed = (error: unknown) => never;

function attempts(files: TraceFiles, failed: Failed): Attempts {
  const attempt: Attempts['attempt'] = async (work) => {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof DamagedFileError)) return failed(error);
        guarded(failed, () => files.setAside(error.file));
      }
    }
  };
  return {
    attempt,
    write: (work) =>
      attempt(() => {
        files.look();
        return work();
      }),
  };
}

function guarded<Result>(failed: Failed, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    return failed(error);
  }
}
