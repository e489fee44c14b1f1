import { globSync, readFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { certificates } from './certificates.ts';
import type { DatabaseGate, SqlDatabase } from './sql-databases.ts';
import { SQLITE_WORDS } from './sql-words.ts';
import { temporaryFolder } from './temporary-folder.ts';

const BUSY = 5;

/** Processes of sessions started by this process. */
function sessions(): number[] {
  const children = globSync(`/proc/${process.pid}/task/*/children`).flatMap((file) =>
    readFileSync(file, 'utf8').trim().split(' ').filter(Boolean).map(Number),
  );
  return children.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('sqlite-process');
    } catch {
      // it ended meanwhile
      return false;
    }
  });
}

const signal = (name: NodeJS.Signals): void => {
  for (const pid of sessions()) process.kill(pid, name);
};

/** A SQLite file; the test is its other user. */
export async function sqliteDatabase(): Promise<SqlDatabase & { readonly file: string }> {
  const folder = await temporaryFolder('sqlite');
  const file = join(folder.path, 'clinic.db');
  const made = await certificates();
  const maker = new DatabaseSync(file);
  maker.exec('PRAGMA journal_mode = WAL');
  maker.close();
  let lock: DatabaseSync | undefined;
  const release = (): void => {
    lock?.close();
    lock = undefined;
  };
  const given: SqlDatabase['given'] = () => ({ product: 'sqlite', file, timeout: '2s' });
  const ask: SqlDatabase['ask'] = async (...statements) => {
    const database = new DatabaseSync(file, { timeout: 0 });
    try {
      let rows: readonly Record<string, unknown>[] = [];
      for (const one of statements) rows = await unlocked(() => database.prepare(one).all());
      return rows.map((row) => ({ ...row }));
    } finally {
      database.close();
    }
  };
  const hold = (): void => {
    lock = new DatabaseSync(file, { timeout: 5_000 });
    lock.exec('BEGIN IMMEDIATE');
  };
  const gate = async (): Promise<DatabaseGate> => ({
    given: given(),
    pause: hold,
    resume: release,
    async shut() {
      await rename(file, `${file}.away`).catch(() => undefined);
      signal('SIGKILL');
    },
    async open() {
      await rename(`${file}.away`, file).catch(() => undefined);
    },
    async [Symbol.asyncDispose]() {
      release();
      await rename(`${file}.away`, file).catch(() => undefined);
    },
  });
  return {
    product: 'sqlite',
    words: SQLITE_WORDS,
    file,
    port: 0,
    certificates: made,
    options: {},
    given,
    gate,
    ask,
    makeProcedure: () => Promise.reject(new Error('SQLite has no procedures')),
    async refuse(table, how) {
      if (how === 'temporary') return hold();
      await ask(
        `CREATE TRIGGER refuse_${table} BEFORE INSERT ON ${table} BEGIN INSERT INTO ${table}_never VALUES (NULL); END`,
        `CREATE TABLE ${table}_never (n INT NOT NULL)`,
      );
    },
    running: async () => sessions(),
    show: () => Promise.resolve(),
    crash: () => signal('SIGKILL'),
    hold: () => signal('SIGSTOP'),
    goOn: () => signal('SIGCONT'),
    async [Symbol.asyncDispose]() {
      release();
      signal('SIGKILL');
      await folder[Symbol.asyncDispose]();
      await made[Symbol.asyncDispose]();
    },
  };
}

/** Waits for a lock without blocking the test that has it. */
async function unlocked<Value>(work: () => Value): Promise<Value> {
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (((error as { errcode?: number }).errcode ?? 0) % 256 !== BUSY) throw error;
      await sleep(10);
    }
  }
}
