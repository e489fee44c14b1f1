import { database } from '../../database/postgres.ts';
import { describeError, EngineError, isEngineError } from '../../error/engine-error.ts';
import { type Clock, systemClock } from '../../time/clock.ts';
import type { TraceStore } from '../trace-store.ts';
import type { StoredBody } from '../traced-message.ts';
import { apply, differences } from './apply.ts';
import { find } from './find.ts';
import { failures, replayList } from './list.ts';
import { Memory } from './memory.ts';
import { pointsTo, purge } from './purge.ts';
import { purgePlan } from './purge-plan.ts';
import { fields, quickFind } from './quick-find.ts';
import { body, message, session } from './read.ts';
import { reindex } from './reindex.ts';
import { ensureSchema } from './schema.ts';
import { openMessages, settleByFloor, settleLost } from './settle.ts';
import { events, statistics } from './statistics.ts';
import { hold, orphans, release, usage } from './upkeep.ts';

export interface PostgresTraceOptions {
  /** `postgres://user:password@host:port/database`. */
  readonly url: string;
  /** Each production has a schema of its own. */
  readonly production: string;
  /** Reads a large body from the object store, to search in it. Without it such a body holds nothing. */
  readonly largeBody?: ((ref: string, size: number) => Promise<Uint8Array | undefined>) | undefined;
  readonly clock?: Clock | undefined;
}

/** Milliseconds of a statement that somebody, or the projector, waits for. */
const READ_LIMIT = 15_000;
/** Milliseconds of a statement that moves or reads a whole day. */
const UPKEEP_LIMIT = 300_000;

/** The trace in PostgreSQL 14 or newer, for several operator planes and consoles on one trace. */
export async function postgresTraceStore({
  url,
  production,
  largeBody = () => Promise.resolve(undefined),
  clock = systemClock,
}: PostgresTraceOptions): Promise<TraceStore> {
  const schema = `waybill_${production}`;
  const db = database({ url, schema, purpose: 'trace', connections: 6, limit: READ_LIMIT });
  const upkeep = database({ url, schema, purpose: 'trace', connections: 2, limit: UPKEEP_LIMIT });
  const memory = new Memory();
  const { words } = memory;
  const close = async (): Promise<void> => {
    await Promise.all([db.close(), upkeep.close()]);
  };
  await ensureSchema(db, schema).catch(async (error: unknown) => {
    await close();
    return unavailable(error);
  });
  const bytesOf = async (stored: StoredBody | undefined): Promise<Uint8Array | undefined> =>
    stored?.ref === undefined ? stored?.bytes : largeBody(stored.ref, stored.size);
  return {
    apply: (inputs) => told(apply(db, memory, inputs)),
    settleByFloor: (floors) => told(settleByFloor(db, memory, { floors, now: clock.now() })),
    differences: (inputs) => told(differences(db, memory, inputs)),
    settleLost: (lost) => told(settleLost(db, memory, { lost, now: clock.now() })),
    find: (query, options) =>
      told(
        find(
          {
            db,
            words,
            bytes: async ({ id }) => bytesOf(await body(db, words, { id, part: 'message' })),
          },
          query,
          options,
        ),
      ),
    quickFind: (text, options) => told(quickFind(db, words, { ...options, text })),
    fields: () => told(fields(db)),
    session: (id) => told(session(db, words, id)),
    message: (id) => told(message(db, words, id)),
    body: (id, part = 'message') => told(body(db, words, { id, part })),
    events: (query) => told(events(db, words, query)),
    statistics: (query) => told(statistics(db, words, query)),
    replayList: (query) => told(replayList(db, words, query)),
    openMessages: (host, page) => told(openMessages(db, words, { ...page, host })),
    failures: (query, shown) => told(failures(db, words, query, shown)),
    purge: (options) =>
      told((options.dryRun === true ? purgePlan : purge)(upkeep, memory, options)),
    reindex: (options) => told(reindex(upkeep, memory, options)),
    hold: (sessionId, given) => told(hold(db, sessionId, given)),
    release: (sessionId) => told(release(db, sessionId)),
    usage: () => told(usage(db, memory)),
    pointsTo: (bodyRef) => told(pointsTo(db, bodyRef)),
    orphans: () => told(orphans(upkeep)),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Tells every failure of the database as STORE_UNAVAILABLE. */
function told<Result>(work: Promise<Result>): Promise<Result> {
  return work.catch(unavailable);
}

/** PostgreSQL names columns and constraints in its messages; values stand in the detail, which is left out. */
function unavailable(error: unknown): never {
  if (isEngineError(error) || (error instanceof Error && error.name === 'AbortError')) throw error;
  throw new EngineError(
    'STORE_UNAVAILABLE',
    `the trace store could not be read or written: ${describeError(error).text}`,
    { retryable: true },
  );
}
