import { type Database, database } from '../../../database/postgres.ts';
import { type Clock, systemClock } from '../../../time/clock.ts';
import { quickFind } from '../../quick-find.ts';
import type { LargeBody } from '../../search.ts';
import type { TracePage, TraceQuery } from '../../trace-query.ts';
import type { PurgeOptions, PurgeReport, TraceStore } from '../../trace-store.ts';
import { purge, purgePlan } from '../purge.ts';
import { INDEXING, indexingOf, reindex, withIndexing } from '../reindex.ts';
import { keysUsed, type TraceCipher, USED_KEYS } from '../trace-cipher.ts';
import { unavailable } from '../unavailable.ts';
import { apply, differences, settleByFloor, settleLost } from './apply.ts';
import { find, quickFindDays } from './find.ts';
import { Memory, readUpTo, setReadUpTo } from './memory.ts';
import { pointsTo, purgedDays } from './purge.ts';
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
import { hostHours, sawRunning } from './running.ts';
import { ensureSchema, type Migration } from './schema.ts';
import { hold, indexedDays, mark, note, orphans, release, setMark, usage } from './upkeep.ts';

export interface PostgresTraceOptions {
  /** `postgres://user:password@host:port/database`. */
  readonly url: string;
  /** Each production has its own schema. */
  readonly production: string;
  /** Reads a large body from the object store, to search in it. Without it such a body is treated as empty. */
  readonly largeBody?: LargeBody | undefined;
  readonly clock?: Clock | undefined;
  /** Encrypts bodies and search keys, or only reads encrypted ones. */
  readonly cipher?: TraceCipher | undefined;
  /** Called before the tables of an older version are changed, which takes as long as there is much in them. */
  readonly onMigration?: ((change: Migration) => void) | undefined;
  /** Called, with how far it still has read the streams, when the database turns out to be behind what was written into it. */
  readonly onBehind?: ((read: ReadonlyMap<string, number>) => void) | undefined;
  /** Called if tables of a trace lie in the schema `public`, where this one does not look. */
  readonly onLeft?: (() => void) | undefined;
}

/** Milliseconds for a statement that a person or the projector waits for. */
const READ_LIMIT = 15_000;
/** Milliseconds for a statement that moves or reads a whole day. */
const UPKEEP_LIMIT = 300_000;
/** Milliseconds for a change of the tables: an index over 10⁸ messages takes minutes, and ended too early is begun anew for good. */
const MIGRATION_LIMIT = 6 * 3_600_000;

/** The trace in PostgreSQL 14 or newer, for several operator planes and consoles on one trace. */
export async function postgresTraceStore({
  url,
  production,
  largeBody = () => Promise.resolve(undefined),
  clock = systemClock,
  cipher,
  onMigration,
  onBehind,
  onLeft,
}: PostgresTraceOptions): Promise<TraceStore> {
  const schema = `waybill_${production}`;
  const db = database({ url, schema, purpose: 'trace', connections: 6, limit: READ_LIMIT });
  const upkeep = database({ url, schema, purpose: 'trace', connections: 2, limit: UPKEEP_LIMIT });
  const memory = new Memory(cipher, onBehind);
  const { words } = memory;
  const close = () => Promise.all([db.close(), upkeep.close()]).then(() => undefined);
  try {
    await migrated(url, schema, { onMigration, onLeft });
    await checkKeys(db, cipher);
  } catch (error) {
    await close();
    return unavailable(error);
  }
  return {
    apply: (inputs, read) => told(apply(db, memory, { inputs, read })),
    settleByFloor: (floors) => told(settleByFloor(db, memory, { floors, now: clock.now() })),
    differences: (inputs) => told(differences(db, memory, inputs)),
    settleLost: (lost) => told(settleLost(db, memory, { lost, now: clock.now() })),
    find: (query, options) =>
      told(indexed(find({ db, words, cipher, largeBody }, query, options), query, db)),
    quickFind: (text, options) =>
      told(quickFind(text, quickFindDays({ db, words, cipher, largeBody }), options)),
    indexing: () => told(note(db, INDEXING).then(indexingOf)),
    fields: () => told(fields(db)),
    session: (id) => told(session(db, words, id)),
    message: (id) => told(message(db, words, id)),
    outcomes: (ids) => told(outcomes(db, words, ids)),
    body: (id, part = 'message') => told(body(db, words, { id, part, cipher })),
    events: (query) => told(events(db, words, query)),
    statistics: (query) => told(statistics(db, words, query)),
    hostHours: (query) => told(hostHours(db, words, query)),
    sawRunning: (hosts, at) => told(sawRunning(db, memory, { hosts, at })),
    replayList: (query) => told(replayList(db, words, query)),
    openMessages: (host, page) => told(openMessages(db, words, { ...page, host })),
    failures: (query, shown) => told(failures(db, words, query, shown)),
    purge: (options) => told(purgeDays(upkeep, memory, options)),
    reindex: (options) => told(reindex(indexedDays(upkeep, memory), options)),
    hold: (sessionId, given) => told(hold(db, sessionId, given)),
    release: (sessionId) => told(release(db, sessionId)),
    usage: () => told(usage(db, memory)),
    mark: () => told(mark(db)),
    setMark: (own) => told(setMark(db, own)),
    readUpTo: () => told(readUpTo(db)),
    setReadUpTo: (read) => told(setReadUpTo(db, read)),
    pointsTo: (bodyRef) => told(pointsTo(db, bodyRef)),
    orphans: () => told(orphans(upkeep)),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function migrated(
  url: string,
  schema: string,
  tells: Pick<PostgresTraceOptions, 'onMigration' | 'onLeft'>,
): Promise<void> {
  const limit = MIGRATION_LIMIT;
  const db = database({ url, schema, purpose: 'trace', connections: 1, limit });
  try {
    await ensureSchema(db, schema, tells);
  } finally {
    await db.close();
  }
}

async function purgeDays(
  db: Database,
  memory: Memory,
  options: PurgeOptions,
): Promise<PurgeReport> {
  const days = await purgedDays(db, memory);
  return (options.dryRun === true ? purgePlan : purge)(days, options);
}

/** Records which keys it is written with; throws CREDENTIAL_MISSING if one of them is not available. */
async function checkKeys(db: Database, cipher: TraceCipher | undefined): Promise<void> {
  await db.transaction(async (asked) => {
    const [row] = await asked.rows<{ value: string }>(
      'SELECT value FROM note WHERE name = ?',
      USED_KEYS,
    );
    const used = keysUsed(row?.value, cipher);
    if (used === undefined || used === row?.value) return;
    await asked.run(
      'INSERT INTO note VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value',
      USED_KEYS,
      used,
    );
  });
}

/** Adds what could not be found yet. */
async function indexed(
  found: Promise<TracePage>,
  query: TraceQuery,
  db: Database,
): Promise<TracePage> {
  const page = await found;
  if (query.search === undefined && query.anyOf === undefined) return page;
  return withIndexing(page, query, await note(db, INDEXING));
}

/** Reports every failure of the database as STORE_UNAVAILABLE. */
function told<Result>(work: Promise<Result>): Promise<Result> {
  return work.catch(unavailable);
}
