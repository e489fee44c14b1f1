import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { copyInto, fileIdentity } from '../../../database/copied-file.ts';
import { makePrivate, PRIVATE_FOLDER } from '../../../database/private-files.ts';
import { sqliteTrouble } from '../../../database/sqlite-trouble.ts';
import { syncedLog } from '../../../database/synced-log.ts';
import { background } from '../../../error/background.ts';
import { EngineError } from '../../../error/engine-error.ts';
import { unexpected } from '../../../error/unexpected.ts';
import { pause } from '../../../time/pause.ts';
import type { MetaDatabase, MetaPlace, MetaSession, MetaValue } from '../meta-database.ts';
import { APPENDED, ONLY_APPENDED } from '../tables.ts';

/** Milliseconds that another process, such as the command line or an operator plane, may lock the file. */
const PATIENCE = 5_000;
const LOOK_AGAIN = 5;
/** Files up to this size (bytes) are checked completely when opened. */
const CHECKED = 64 * 1024 * 1024;

/** Milliseconds between two checks that the file is still the one that is open. */
const LOOK_EVERY = 5_000;

/** Opens a file in the data folder; creates it if missing. */
// oxlint-disable-next-line max-lines-per-function -- a factory: its closures share the state above them
export async function sqliteDatabase(
  folder: string,
  file: string,
  { onMoved, lookEvery = LOOK_EVERY }: Pick<MetaPlace, 'onMoved'> & { lookEvery?: number } = {},
): Promise<MetaDatabase> {
  mkdirSync(folder, { recursive: true, mode: PRIVATE_FOLDER });
  const path = join(folder, file);
  makePrivate(path);
  // SQLite would block this thread, which the holder of the lock may need
  let database = new DatabaseSync(path, { timeout: 0 });
  let session = asked(database);
  /**
   * Settles when the open transaction ends. There is one connection, so statements run meanwhile
   * would become part of it.
   */
  let open: Promise<unknown> | undefined;
  const once = async <Result>(work: () => Result): Promise<Result> => {
    for (const end = performance.now() + PATIENCE; ; await sleep(LOOK_AGAIN)) {
      while (open !== undefined) await open;
      try {
        return work();
      } catch (error) {
        if (!isBusy(error)) throw sqliteTrouble(error, folder);
        if (performance.now() > end) throw busy(file);
      }
    }
  };
  const sync = syncedLog(path);
  /** What was written is durable before anybody is told of it. */
  const durable = async <Result>(sql: string, work: () => Result): Promise<Result> => {
    const result = await once(work);
    if (!READS.test(sql)) await sync();
    return result;
  };
  const looking = new AbortController();
  const close = async (): Promise<void> => {
    looking.abort();
    await once(() => database.close());
  };
  try {
    await once(() => database.exec(MODES));
    if (statSync(path).size <= CHECKED) await once(() => check(database));
  } catch (error) {
    database.close();
    throw error;
  }
  /** If the open file was removed, continues with a copy of it in the same place. */
  const back = (): void => {
    copyInto(database, path);
    database.close();
    database = new DatabaseSync(path, { timeout: 0 });
    database.exec(MODES);
    session = asked(database);
  };
  /** Keeps beside a file that took its place what is open. */
  const keepReplaced = async (): Promise<void> => {
    const keptAs = `${file}.replaced-${new Date().toISOString().replaceAll(/[-:.]/g, '')}`;
    await once(() => copyInto(database, join(folder, keptAs)));
    onMoved?.({ file, keptAs });
  };
  const look = async (opened: string): Promise<void> => {
    for (let own = opened; ; ) {
      await pause(lookEvery, looking.signal, { ref: false });
      const now = fileIdentity(path);
      if (looking.signal.aborted) return;
      if (now === own) continue;
      try {
        if (now !== undefined) return await keepReplaced();
        await once(back);
        own = fileIdentity(path) ?? '';
        onMoved?.({ file, keptAs: file });
      } catch (error) {
        // on a full disk, too: what is written meanwhile is lost at the next start, so it is tried until it succeeds
        unexpected(`looking after ${file}`, error);
      }
    }
  };
  if (onMoved !== undefined) background(look(fileIdentity(path) ?? ''), `looking after ${file}`);
  return {
    shared: false,
    get: (sql, ...values) => durable(sql, () => session.get(sql, ...values)),
    all: (sql, ...values) => durable(sql, () => session.all(sql, ...values)),
    run: (sql, ...values) => durable(sql, () => session.run(sql, ...values)),
    async transaction(work) {
      const ended = Promise.withResolvers<void>();
      await once(() => {
        database.exec('BEGIN IMMEDIATE');
        open = ended.promise;
      });
      const result = await transacted(database, () => work(later(session)))
        .catch((error: unknown) => {
          throw sqliteTrouble(error, folder);
        })
        .finally(() => {
          open = undefined;
          ended.resolve();
        });
      await sync();
      return result;
    },
    written: statementsOf,
    close,
    [Symbol.asyncDispose]: close,
  };
}

const MODES = 'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;';

async function transacted<Result>(
  database: DatabaseSync,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    const result = await work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/** Statements that write nothing. */
const READS = /^\s*select\b/i;

/** Damage only shows when it is read, so the whole file is checked on opening. */
function check(database: DatabaseSync): void {
  const [found] = database.prepare('PRAGMA quick_check(1)').all();
  if (found?.['quick_check'] === 'ok') return;
  throw Object.assign(new Error('database disk image is malformed'), { errcode: CORRUPT });
}

/** SQLITE_CORRUPT. */
const CORRUPT = 11;

/** Adds triggers that keep an append-only table from being changed. */
function statementsOf(definition: string): string[] {
  const kept = APPENDED.filter((name) => definition.includes(`EXISTS ${name}(`)).flatMap((table) =>
    ['UPDATE', 'DELETE'].map(
      (act) =>
        `CREATE TRIGGER IF NOT EXISTS ${table}_${act === 'UPDATE' ? 'fixed' : 'kept'} BEFORE ${act} ON ${table}
           BEGIN SELECT RAISE(ABORT, '${ONLY_APPENDED}'); END`,
    ),
  );
  return [...definition.split(';\n').filter((one) => one.trim() !== ''), ...kept];
}

interface Direct {
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- who writes a statement knows its rows
  get<Row>(sql: string, ...values: readonly MetaValue[]): Row | undefined;
  all<Row>(sql: string, ...values: readonly MetaValue[]): Row[];
  run(sql: string, ...values: readonly MetaValue[]): number;
}

function asked(database: DatabaseSync): Direct {
  // those that write several rows differ by how many
  const statements = new LRUCache<string, StatementSync>({ max: 200 });
  const prepared = (sql: string): StatementSync => {
    const statement = statements.get(sql) ?? database.prepare(sql);
    statements.set(sql, statement);
    return statement;
  };
  return {
    // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as above
    get: <Row>(sql: string, ...values: readonly MetaValue[]): Row | undefined =>
      prepared(sql).get(...values) as Row | undefined,
    all: <Row>(sql: string, ...values: readonly MetaValue[]) =>
      prepared(sql).all(...values) as Row[],
    run: (sql, ...values) => Number(prepared(sql).run(...values).changes),
  };
}

function later(session: Direct): MetaSession {
  return {
    get: async (sql, ...values) => session.get(sql, ...values),
    all: async (sql, ...values) => session.all(sql, ...values),
    run: async (sql, ...values) => session.run(sql, ...values),
  };
}

/** Whether it is SQLITE_BUSY, in any of its extended forms. */
function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === 5;
}

function busy(file: string): EngineError {
  return new EngineError(
    'STORE_UNAVAILABLE',
    `another process has locked ${file} for ${PATIENCE / 1_000} s: look for a hanging waybill command, or a backup that is copying it`,
    { retryable: true },
  );
}
