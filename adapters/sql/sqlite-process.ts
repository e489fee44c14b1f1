import { statSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';

/**
 * The process in which SQLite works for one session: its calls cannot be interrupted, and would block the
 * caller. It is killed if a statement takes too long, which SQLite survives like a power failure.
 */

export type SqliteValue = string | number | bigint | Uint8Array | null;

export type SqliteStatement = readonly [text: string, values: readonly SqliteValue[]];

/** Statements that are carried out one after another, and how much of their rows is wanted. */
export type SqliteOrder = readonly [
  number: number,
  rows: number,
  bytes: number,
  ...statements: SqliteStatement[],
];

export interface SqliteColumn {
  readonly name: string;
  /** As declared by the table; null for an expression. */
  readonly type: string | null;
}

export interface SqliteRows {
  readonly columns: readonly SqliteColumn[];
  readonly rows: readonly (readonly SqliteValue[])[];
  readonly more: boolean;
}

/** The rows of a query, or how many rows a statement changed. */
export type SqliteResult = SqliteRows | number;

export interface SqliteFailure {
  /** The extended code of SQLite. */
  readonly code: number;
  readonly message: string;
}

/** The results of the first statements, or why one of them failed. */
export type SqliteAnswer =
  | readonly [number: number, failure: SqliteFailure]
  | readonly [number: number, results: readonly SqliteResult[]];

export interface SqliteOpening {
  readonly file: string;
  readonly readOnly: boolean;
  /** Milliseconds to wait for a lock. */
  readonly patience: number;
  /** Milliseconds after which no further statement of an order begins. */
  readonly together: number;
}

const CANNOT_OPEN = 14;
const MOST_STATEMENTS = 100;

class Opened {
  readonly #opening: SqliteOpening;
  readonly #inode: bigint;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, PreparedOnce>();

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

  carryOut([, rows, bytes, ...statements]: SqliteOrder): readonly SqliteResult[] {
    const until = performance.now() + this.#opening.together;
    const results: SqliteResult[] = [];
    for (const one of statements) {
      const result = this.#run(one, { rows, bytes });
      results.push(result);
      if (typeof result !== 'number' || performance.now() > until) break;
    }
    return results;
  }

  #run(
    [text, values]: SqliteStatement,
    limit: { readonly rows: number; readonly bytes: number },
  ): SqliteResult {
    const { statement, givesRows } = this.#statement(text);
    if (!givesRows) return Number(statement.run(...values).changes);
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
    return { columns, rows, more };
  }

  close(): void {
    this.#database.close();
  }

  #statement(text: string): PreparedOnce {
    const known = this.#statements.get(text);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(text);
    statement.setReadBigInts(true);
    statement.setReturnArrays(true);
    const made = { statement, givesRows: statement.columns().length > 0 };
    if (this.#statements.size < MOST_STATEMENTS) this.#statements.set(text, made);
    return made;
  }
}

interface PreparedOnce {
  readonly statement: StatementSync;
  /** Which columns they have may change with the tables, but not whether there are any. */
  readonly givesRows: boolean;
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
  const [number] = order;
  try {
    if (opened?.isReplaced === true) {
      opened.close();
      opened = undefined;
    }
    opened ??= new Opened(opening);
    return [number, opened.carryOut(order)];
  } catch (error) {
    const { errcode = 1, message = '' } = error as { errcode?: number; message?: string };
    return [number, { code: errcode, message }];
  }
}

process.on('message', (order: SqliteOrder) => process.send?.(answerTo(order)));
// the session or its parent process has ended
process.on('disconnect', () => {
  opened?.close();
  process.exit();
});
