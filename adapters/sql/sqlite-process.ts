import { statSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';

/**
 * The process in which SQLite works for one session: its calls cannot be interrupted, and would block the
 * caller. It is killed if a statement takes too long, which SQLite survives like a power failure.
 */

export type SqliteValue = string | number | bigint | Uint8Array | null;

export interface SqliteStatement {
  readonly text: string;
  readonly values: readonly SqliteValue[];
}

export interface SqliteOrder {
  readonly number: number;
  /** Carried out one after another. */
  readonly statements: readonly SqliteStatement[];
  /** Milliseconds after which none of them begins any more. */
  readonly within: number;
  readonly rows: number;
  readonly bytes: number;
}

export interface SqliteColumn {
  readonly name: string;
  /** As declared by the table; null for an expression. */
  readonly type: string | null;
}

export interface SqliteResult {
  readonly columns: readonly SqliteColumn[];
  readonly rows: readonly (readonly SqliteValue[])[];
  readonly more: boolean;
  readonly count: number;
}

export type SqliteAnswer =
  | {
      readonly number: number;
      /** Of the first statements. */
      readonly results: readonly SqliteResult[];
    }
  | {
      readonly number: number;
      /** The extended code of SQLite. */
      readonly code: number;
      readonly message: string;
    };

export interface SqliteOpening {
  readonly file: string;
  readonly readOnly: boolean;
  /** Milliseconds to wait for a lock. */
  readonly patience: number;
}

const CANNOT_OPEN = 14;
const MOST_STATEMENTS = 100;

class Opened {
  readonly #opening: SqliteOpening;
  readonly #inode: bigint;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(opening: SqliteOpening) {
    this.#opening = opening;
    this.#inode = inodeOf(opening.file);
    this.#database = new DatabaseSync(opening.file, {
      readOnly: opening.readOnly,
      timeout: opening.patience,
    });
  }

  /** Whether another file has replaced the open one, such as a restored copy. */
  get isReplaced(): boolean {
    return !this.#database.isTransaction && inodeOf(this.#opening.file) !== this.#inode;
  }

  carryOut({ number, statements, within, ...limit }: SqliteOrder): SqliteAnswer {
    const until = performance.now() + within;
    const results: SqliteResult[] = [];
    for (const one of statements) {
      const result = this.#run(one, limit);
      results.push(result);
      if (result.rows.length > 0 || performance.now() > until) break;
    }
    return { number, results };
  }

  #run(
    { text, values }: SqliteStatement,
    limit: Pick<SqliteOrder, 'rows' | 'bytes'>,
  ): SqliteResult {
    const statement = this.#statement(text);
    if (statement.columns().length === 0) {
      const { changes } = statement.run(...values);
      return { columns: [], rows: [], more: false, count: Number(changes) };
    }
    const rows: (readonly SqliteValue[])[] = [];
    let bytes = 0;
    let more = false;
    // the declared types lack rows as arrays
    for (const row of statement.iterate(...values) as Iterable<unknown> as Iterable<
      SqliteValue[]
    >) {
      bytes += weightOf(row);
      more = rows.length >= limit.rows || (bytes > limit.bytes && rows.length > 0);
      if (more) break;
      rows.push(row);
    }
    // read now: the table may have changed since the statement was prepared
    const columns = statement.columns().map(({ name, type }) => ({ name, type }));
    return { columns, rows, more, count: rows.length };
  }

  close(): void {
    this.#database.close();
  }

  #statement(text: string): StatementSync {
    const known = this.#statements.get(text);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(text);
    statement.setReadBigInts(true);
    statement.setReturnArrays(true);
    if (this.#statements.size < MOST_STATEMENTS) this.#statements.set(text, statement);
    return statement;
  }
}

function inodeOf(file: string): bigint {
  try {
    return statSync(file, { bigint: true }).ino;
  } catch (error) {
    // otherwise SQLite would create an empty database
    throw Object.assign(new Error('no file', { cause: error }), { errcode: CANNOT_OPEN });
  }
}

const weightOf = (row: readonly SqliteValue[]): number =>
  row.reduce<number>(
    (sum, value) =>
      sum + (typeof value === 'string' || value instanceof Uint8Array ? value.length : 8),
    0,
  );

const opening = JSON.parse(process.argv[2] ?? '{}') as SqliteOpening;
let opened: Opened | undefined;

function answerTo(order: SqliteOrder): SqliteAnswer {
  try {
    if (opened?.isReplaced === true) {
      opened.close();
      opened = undefined;
    }
    opened ??= new Opened(opening);
    return opened.carryOut(order);
  } catch (error) {
    const { errcode = 1, message = '' } = error as { errcode?: number; message?: string };
    return { number: order.number, code: errcode, message };
  }
}

process.on('message', (order: SqliteOrder) => process.send?.(answerTo(order)));
// the session or its parent process has ended
process.on('disconnect', () => {
  opened?.close();
  process.exit();
});
