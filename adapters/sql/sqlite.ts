import type { ChildProcess } from 'node:child_process';
import { userInfo } from 'node:os';
import { background, DisableError, NotConnectedError } from 'waybill/adapter';
import { TimeLimit } from 'waybill/peer/basics';
import type {
  Cell,
  Column,
  ColumnKind,
  Limit,
  Parameter,
  Prepared,
  Product,
  Result,
  SqlSession,
  SqlSignIn,
} from './database.ts';
import { ProcessSession, sessionProcess, TOGETHER_FOR } from './process-session.ts';
import { controlsTransactions, SqlFailure, type SqlProblem } from './sql-failure.ts';
import type {
  SqliteAnswer,
  SqliteColumn,
  SqliteOpening,
  SqliteOrder,
  SqliteResult,
  SqliteStatement,
  SqliteValue,
} from './sqlite-process.ts';

export const sqlite: Product = {
  connect: connectSqlite,
  placeholder: (number) => `?${number}`,
  keyPlaceholder: (number) => `?${number}`,
  keyValue(text, kind) {
    // a string is greater than any number
    if (kind === 'whole' && /^-?\d+$/.test(text)) return BigInt(text);
    if (kind === 'flag') return text === 'true';
    if (kind === 'float') return Number(text);
    return kind === 'binary' ? Buffer.from(text, 'base64') : text;
  },
  quote: (identifier) => `"${identifier.replaceAll('"', '""')}"`,
  page: (query, order, rows) => `${query} ORDER BY ${order} LIMIT ${rows}`,
  isAtomic: () => true,
  agreeToTls: () => Promise.resolve(false),
  dry: (statement) =>
    /^\s*(select|insert|update|delete|replace|with|values)\b/i.test(statement)
      ? `EXPLAIN ${statement}`
      : undefined,
};

/** Of the engine's environment the process gets only where compiled code is kept: from a clone its types would be taken away at each start. */
const { NODE_COMPILE_CACHE } = process.env;
const ENVIRONMENT = NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE };

/** Waits for locks, but less than the statement may take. */
const LONGEST_PATIENCE = 10_000;

async function connectSqlite({ settings, signal }: SqlSignIn): Promise<SqlSession> {
  const { file = '', readOnly, timeout, connectTimeout } = settings;
  const opening: SqliteOpening = {
    file,
    readOnly,
    patience: Math.min(LONGEST_PATIENCE, Math.round(timeout / 2)),
    together: TOGETHER_FOR,
  };
  const process = sessionProcess('sqlite-process', { given: opening, env: ENVIRONMENT });
  const session = new SqliteSession(process, file);
  const give = (): void => session.destroy();
  signal.addEventListener('abort', give, { once: true });
  try {
    signal.throwIfAborted();
    await session.prepare(connectTimeout);
    session.timeout = timeout;
    return session;
  } catch (error) {
    session.destroy();
    signal.throwIfAborted();
    throw error instanceof SqlFailure && error.problem === 'lost'
      ? new NotConnectedError(
          `Not connected: the process that opens ${file} has ended. It is tried again; check whether memory or processes are exhausted.`,
          { cause: error },
        )
      : error;
  } finally {
    signal.removeEventListener('abort', give);
  }
}

const NOT_OF_A_STATEMENT =
  /^\s*(begin|commit|end|rollback|savepoint|release|attach|detach|vacuum)\b/i;

class SqliteSession extends ProcessSession<SqliteOrder, SqliteAnswer> implements SqlSession {
  readonly #file: string;
  /** Milliseconds for a statement. */
  timeout = Number.POSITIVE_INFINITY;
  readonly #limit = new TimeLimit(() => background(this.cancel(), 'ending a late session'));
  #isCancelled = false;
  #isOpen = false;

  constructor(process: ChildProcess, file: string) {
    super(process);
    this.#file = file;
  }

  /** @param timeout milliseconds for the process to start and to open the file */
  async prepare(timeout: number): Promise<void> {
    this.timeout = timeout;
    const { rows } = await this.run(
      { text: 'SELECT sqlite_version() FROM (SELECT count(*) FROM sqlite_master)', values: [] },
      { rows: 1, bytes: 1_000 },
    );
    this.known = {
      server: `SQLite ${String(rows[0]?.[0])}`,
      identity: `the account of this process, ${userInfo().username}`,
      database: this.#file,
      encryption: 'a file',
    };
  }

  async run(statement: Prepared, limit: Limit): Promise<Result> {
    const [result] = await this.#carryOut([statement], limit);
    if (result === undefined) throw new SqlFailure('error');
    return resultOf(result);
  }

  async runSome(statements: readonly Prepared[], limit: Limit): Promise<readonly Result[]> {
    return (await this.#carryOut(statements, limit)).map(resultOf);
  }

  async begin(): Promise<void> {
    await this.#say('BEGIN IMMEDIATE');
    this.#isOpen = true;
  }

  async commit(): Promise<void> {
    await this.#say('COMMIT');
    this.#isOpen = false;
  }

  async rollback(): Promise<void> {
    // some errors have already rolled back, and then this fails
    if (this.#isOpen) await this.#say('ROLLBACK').catch(isNotInTransaction);
    this.#isOpen = false;
  }

  async cancel(): Promise<void> {
    this.#isCancelled = true;
    await this.kill();
  }

  #carryOut(statements: readonly Prepared[], limit: Limit): Promise<readonly SqliteResult[]> {
    if (statements.some(({ text }) => NOT_OF_A_STATEMENT.test(text))) throw controlsTransactions();
    return this.#ask(statements, limit);
  }

  async #say(text: string): Promise<void> {
    await this.#ask([{ text, values: [] }], { rows: 1, bytes: 1_000 });
  }

  async #ask(statements: readonly Prepared[], limit: Limit): Promise<readonly SqliteResult[]> {
    if (!this.alive) throw new SqlFailure('lost');
    // the last of them may begin so much later
    this.#limit.begin(this.timeout + (statements.length > 1 ? TOGETHER_FOR : 0));
    try {
      const given = statements.map(
        ({ text, values }): SqliteStatement => [text, values.map(valueOf)],
      );
      const [, answer] = await this.ask(limit.rows, limit.bytes, ...given);
      if ('code' in answer) throw failureOf(answer.code, answer.message, this.#file);
      return answer;
    } finally {
      this.#limit.end();
    }
  }

  protected override end(): void {
    this.#limit.close();
    super.end();
  }

  protected get endedProblem(): 'timeout' | 'lost' {
    return this.#isCancelled ? 'timeout' : 'lost';
  }
}

function isNotInTransaction(error: unknown): void {
  if (!(error instanceof SqlFailure) || error.problem === 'lost') throw error;
}

/** By the type that a table declares (https://sqlite.org/datatype3.html §3.1); a value may still have another. */
const DECLARED: readonly (readonly [RegExp, ColumnKind])[] = [
  [/bool/i, 'flag'],
  [/int/i, 'whole'],
  [/char|clob|text/i, 'text'],
  [/blob/i, 'binary'],
  [/real|floa|doub/i, 'float'],
];

function columnOf(
  { name, type }: SqliteColumn,
  index: number,
  rows: readonly (readonly SqliteValue[])[],
): Column {
  const declared = DECLARED.find(([pattern]) => type !== null && pattern.test(type))?.[1];
  const sample = rows.find((row) => row[index] !== null)?.[index];
  return { name, kind: declared ?? kindOf(sample) };
}

function kindOf(value: SqliteValue | undefined): ColumnKind {
  if (typeof value === 'bigint') return 'whole';
  if (typeof value === 'number') return 'float';
  return value instanceof Uint8Array ? 'binary' : 'text';
}

/** What changes rows returns none. */
const NO_COLUMNS: readonly Column[] = [];

function resultOf(result: SqliteResult): Result {
  if (typeof result === 'number')
    return { columns: NO_COLUMNS, rows: [], more: false, count: result };
  const columns = result.columns.map((column, index) => columnOf(column, index, result.rows));
  const rows = result.rows.map((row) =>
    row.map((value, index) => cellOf(value, columns[index]?.kind)),
  );
  return { columns, rows, more: result.more, count: rows.length };
}

const cellOf = (value: SqliteValue, kind?: ColumnKind): Cell =>
  kind === 'flag' && typeof value === 'bigint' ? value !== 0n : value;

const MOST = 2n ** 63n;

function valueOf(value: Parameter): SqliteValue {
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (typeof value === 'bigint') return value < MOST && value >= -MOST ? value : String(value);
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (value instanceof Date) return value.toISOString();
  if (value === null || typeof value === 'string' || value instanceof Uint8Array) return value;
  return JSON.stringify(value);
}

/** By the extended code, or by the lower eight bits of it. */
const PROBLEMS: Readonly<Record<number, SqlProblem>> = {
  3: 'denied',
  5: 'busy',
  6: 'busy',
  7: 'full',
  8: 'denied',
  // the rows that were read have been changed since
  517: 'deadlock',
  13: 'full',
  18: 'value',
  19: 'constraint',
  1555: 'duplicate',
  2067: 'duplicate',
  2579: 'duplicate',
  3091: 'value',
  1811: 'raised',
  20: 'value',
  23: 'denied',
};
const BUSY = 5;

/** Faults that may pass: a share, or a file that is put back. */
const AWAY: ReadonlySet<number> = new Set([10, 14]);
/** Faults of the file itself. */
const FILE: Readonly<Record<number, string>> = {
  10: 'the system cannot read or write the file (disk I/O error)',
  11: 'the file is damaged (database disk image is malformed)',
  14: 'there is no such file, or this process may not open it',
  26: 'the file is not an SQLite database, or it is encrypted',
};

function failureOf(code: number, message: string, file: string): Error {
  const wrong = FILE[code & 0xff];
  if (wrong !== undefined && AWAY.has(code & 0xff)) {
    return new NotConnectedError(
      `Not connected: ${file}: ${wrong}. Check the path and the permissions of the account that runs the engine.`,
    );
  }
  if (wrong !== undefined) {
    return new DisableError(
      `${file}: ${wrong}. Correct the path or put a good copy back, then start the host again.`,
    );
  }
  const problem = PROBLEMS[code] ?? PROBLEMS[code & 0xff] ?? ofStatement(message);
  return new SqlFailure(problem, {
    state: `SQLite ${code}`,
    about: /constraint failed: ([\w.", ]+)/.exec(message)?.[1],
    said: message.slice(0, 1_000),
    ...((code & 0xff) === BUSY &&
      problem === 'busy' && { what: 'another program has the file locked' }),
  });
}

function ofStatement(message: string): SqlProblem {
  if (/no such (table|column|function|view|index)|has no column named/.test(message)) {
    return 'unknown';
  }
  return /syntax error|incomplete input|unrecognized token|values for \d+ columns/.test(message)
    ? 'syntax'
    : 'error';
}
