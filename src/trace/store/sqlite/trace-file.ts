import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { fileIdentity } from '../../../database/copied-file.ts';
import { isDamaged } from '../damage.ts';
import type { TraceCipher } from '../trace-cipher.ts';
import { BodyTable } from './body-table.ts';
import { ExplanationTable, KeyTable, WordTable } from './file-tables.ts';
import { openTraceFile } from './schema.ts';

/** A row from node:sqlite. */
export type SqlRow = Record<string, SQLInputValue>;

type OneOrNone<Row> = Row | undefined;

/** A file of the trace that SQLite can no longer read or write. */
export class DamagedFileError extends Error {
  /** `2026-11-24`, or `held`. */
  readonly file: string;

  constructor(file: string, cause: unknown) {
    super(`the trace file ${file}.db is damaged`, { cause });
    this.name = 'DamagedFileError';
    this.file = file;
  }
}

/** One open file of the trace: statements, and the caches that belong to it. Everything in it is synchronous. */
export class TraceFile {
  /** `2026-11-24`, or `held`. */
  readonly name: string;
  readonly path: string;
  readonly db: DatabaseSync;
  /** Which file it is, whatever has its name later. */
  readonly identity: string | undefined;
  /** Whether it was created by this. */
  readonly isNew: boolean;
  /** Undefined if it contains nothing encrypted. */
  readonly cipher: TraceCipher | undefined;
  readonly words: WordTable;
  readonly bodies: BodyTable;
  readonly explanations: ExplanationTable;
  readonly keys: KeyTable;
  #written = false;
  readonly #statements = new Map<string, StatementSync>();

  constructor(name: string, path: string, cipher?: TraceCipher) {
    this.name = name;
    this.cipher = cipher;
    this.path = path;
    const { db, isNew } = this.#asked(() => openTraceFile(path, name === 'held' ? 'held' : 'day'));
    this.db = db;
    this.identity = fileIdentity(path);
    this.isNew = isNew;
    this.words = new WordTable(this);
    this.bodies = new BodyTable(this, name !== 'held');
    this.explanations = new ExplanationTable(this);
    this.keys = new KeyTable(this);
  }

  all<Row = SqlRow>(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#asked(() => this.#prepare(sql).all(...values) as Row[]);
  }

  first<Row = SqlRow>(sql: string, ...values: SQLInputValue[]): OneOrNone<Row> {
    return this.all<Row>(sql, ...values)[0];
  }

  /** Returns how many rows changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return this.#asked(() => Number(this.#prepare(sql).run(...values).changes));
  }

  /** Adds a row and returns its rowid. */
  insert(sql: string, ...values: SQLInputValue[]): number {
    return this.#asked(() => Number(this.#prepare(sql).run(...values).lastInsertRowid));
  }

  /** Runs `work` in one transaction: all of it is durable when this returns, or none. */
  transaction<Result>(work: () => Result): Result {
    return this.#transaction(work);
  }

  /** The same, but durable only after `syncLog`, which does not block this thread. */
  unsynced<Result>(work: () => Result): Result {
    this.db.exec('PRAGMA synchronous=NORMAL');
    try {
      return this.#transaction(work);
    } finally {
      this.db.exec('PRAGMA synchronous=FULL');
    }
  }

  #transaction<Result>(work: () => Result): Result {
    this.#growCache();
    this.#asked(() => this.db.exec('BEGIN IMMEDIATE'));
    try {
      const result = work();
      this.bodies.flush();
      this.#asked(() => this.db.exec('COMMIT'));
      return result;
    } catch (error) {
      if (this.db.isTransaction) this.db.exec('ROLLBACK');
      // what they learnt within the transaction is invalid
      this.words.forget();
      this.bodies.forget();
      this.explanations.forget();
      this.keys.forget();
      throw error;
    }
  }

  /** Runs `work` in a transaction that is rolled back. */
  rehearse(work: () => void): void {
    const undone = new Error('undone');
    try {
      this.transaction(() => {
        work();
        throw undone;
      });
    } catch (error) {
      if (error !== undone) throw error;
    }
  }

  #asked<Result>(ask: () => Result): Result {
    try {
      return ask();
    } catch (error) {
      throw isDamaged(error) ? new DamagedFileError(this.name, error) : error;
    }
  }

  /** What is remembered about the file as a whole. */
  note(name: string): string | undefined {
    return this.first<{ value: string }>('SELECT value FROM note WHERE name=?', name)?.value;
  }

  setNote(name: string, value: string | undefined): void {
    if (value === undefined) this.run('DELETE FROM note WHERE name=?', name);
    else this.run('INSERT OR REPLACE INTO note(name, value) VALUES(?, ?)', name, value);
  }

  /** Whether any of its messages belongs to a branch. */
  hasBranches(): boolean {
    const row = this.first(
      'SELECT 1 FROM message INDEXED BY message_branch WHERE branch IS NOT NULL LIMIT 1',
    );
    return row !== undefined;
  }

  /** Maintains the number of messages, since counting would scan the whole table. Only within a transaction. */
  countMessages(added: number): void {
    this.run(
      `INSERT INTO note(name, value) VALUES('messages', ?)
       ON CONFLICT(name) DO UPDATE SET value=CAST(value AS INTEGER)+?`,
      String(added),
      added,
    );
  }

  messageCount(): number {
    return Number(this.note('messages') ?? 0);
  }

  /** Moves the log into the file and empties it. */
  checkpoint(): void {
    this.db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  }

  close(): void {
    this.#statements.clear();
    this.db.close();
  }

  /** A file being written keeps its hot pages; the many that are only searched share a little memory. */
  #growCache(): void {
    if (!this.#written) this.db.exec('PRAGMA cache_size=-16000');
    this.#written = true;
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    // searches write their lists of hosts into the statement, so the number of different ones is
    // unlimited
    if (this.#statements.size >= 200) this.#statements.clear();
    const statement = this.db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}
