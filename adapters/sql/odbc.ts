import type { ChildProcess } from 'node:child_process';
import { background, EngineError, NotConnectedError, timerTime } from 'waybill/adapter';
import type {
  ColumnKind,
  Limit,
  Prepared,
  Product,
  Result,
  SqlSession,
  SqlSignIn,
} from './database.ts';
import { connectFailure, failureOf } from './odbc-failure.ts';
import type { OdbcAnswer, OdbcFailure, OdbcOrder, OdbcResult, OdbcWork } from './odbc-process.ts';
import { cellOf, columnOf, valueOf } from './odbc-value.ts';
import { ProcessSession, sessionProcess } from './process-session.ts';
import { passwordOf } from './sign-in.ts';
import { controlsTransactions, SqlFailure } from './sql-failure.ts';
import { placeOfDatabase, type SqlConnectionValues } from './sql-settings.ts';

const KEY_CASTS: Readonly<Partial<Record<ColumnKind, string>>> = {
  decimal: 'CAST(? AS DECIMAL(31,6))',
  time: 'CAST(? AS TIMESTAMP)',
  date: 'CAST(? AS DATE)',
};

/** How each kind of database limits a query to so many rows. */
const PAGES: Readonly<
  Record<SqlConnectionValues['paging'], (query: string, rows: number) => string>
> = {
  // what follows the rows that are wanted is not fetched
  none: (query) => query,
  fetch: (query, rows) => `${query} FETCH FIRST ${rows} ROWS ONLY`,
  limit: (query, rows) => `${query} LIMIT ${rows}`,
  top: (query, rows) => query.replace(/^SELECT /, `SELECT TOP ${rows} `),
  first: (query, rows) => query.replace(/^SELECT /, `SELECT FIRST ${rows} `),
};

/** What is reached by an ODBC driver. */
export const odbc = ({ paging }: Pick<SqlConnectionValues, 'paging'>): Product => ({
  connect: connectOdbc,
  placeholder: () => '?',
  keyPlaceholder: (_, kind) => KEY_CASTS[kind] ?? '?',
  keyValue(text, kind) {
    if (kind === 'whole') return BigInt(text);
    if (kind === 'float') return Number(text);
    if (kind === 'binary') return Buffer.from(text, 'base64');
    return kind === 'time' ? text.replace('T', ' ') : text;
  },
  quote: (identifier) => `"${identifier.replaceAll('"', '""')}"`,
  page: (query, order, rows) => PAGES[paging](`${query} ORDER BY ${order}`, rows),
  isAtomic: (statement) => /^\s*(insert|update|delete|select)\b/i.test(statement),
  agreeToTls: () => Promise.resolve(false),
  dry: () => undefined,
});

async function connectOdbc(signIn: SqlSignIn): Promise<SqlSession> {
  const { settings, signal } = signIn;
  const place = placeOfDatabase(settings);
  const password = passwordOf(signIn);
  // drivers are found by variables such as ODBCINI, INFORMIXDIR and DB2INSTANCE
  const process = sessionProcess('odbc-process', { given: {}, env: globalThis.process.env });
  const session = new OdbcSession(process, settings.timeout);
  const give = (): void => session.destroy();
  const late = AbortSignal.timeout(timerTime(settings.connectTimeout));
  const either = AbortSignal.any([signal, late]);
  either.addEventListener('abort', give, { once: true });
  try {
    signal.throwIfAborted();
    await session.prepareFor(signIn, connectionString(signIn, password));
    return session;
  } catch (error) {
    session.destroy();
    signal.throwIfAborted();
    if (late.aborted) {
      throw new NotConnectedError(
        `Not connected: ${place} did not answer within ${settings.connectTimeout / 1_000} s. Check server and port in the connection string or odbc.ini, and the network.`,
      );
    }
    if (error instanceof Diagnosed) throw connectFailure(error.answer.diagnostics, place, password);
    if (error instanceof EngineError || !(error instanceof SqlFailure)) throw error;
    if (error.problem !== 'lost') throw error;
    throw new NotConnectedError(
      `Not connected: the process with the ODBC driver of ${place} has ended while it connected. A driver that ends like this is faulty or does not fit: compare its version with the server's.`,
      { cause: error },
    );
  } finally {
    either.removeEventListener('abort', give);
  }
}

/** The account is added to what the setting says. In braces a value may hold anything but }, which is doubled. */
function connectionString(
  { settings, credential }: SqlSignIn,
  password: string | undefined,
): string {
  const user = credential !== undefined && 'user' in credential ? credential.user : settings.user;
  const more = [
    user === undefined ? undefined : `UID=${braced(user)}`,
    password === undefined ? undefined : `PWD=${braced(password)}`,
  ].filter((part) => part !== undefined);
  return [(settings.odbc ?? '').replace(/;\s*$/, ''), ...more].join(';');
}

const braced = (value: string): string =>
  /^[\w.@-]*$/.test(value) ? value : `{${value.replaceAll('}', '}}')}`;

/** A driver that does not cancel within this is ended with its process. */
const CANCELLED_WITHIN = 2_000;

/** What the driver reported, before it is known whether it was for connecting. */
class Diagnosed extends Error {
  readonly answer: OdbcFailure;

  constructor(answer: OdbcFailure) {
    super('reported by the driver');
    this.name = 'Diagnosed';
    this.answer = answer;
  }
}

class OdbcSession extends ProcessSession<OdbcOrder, OdbcAnswer> implements SqlSession {
  readonly #timeout: number;
  protected readonly endedProblem = 'lost';
  #isOpen = false;

  constructor(process: ChildProcess, timeout: number) {
    super(process);
    this.#timeout = timeout;
  }

  async prepareFor({ settings, credential }: SqlSignIn, text: string): Promise<void> {
    const seconds = Number.isFinite(settings.connectTimeout)
      ? Math.max(1, Math.ceil(settings.connectTimeout / 1_000))
      : 0;
    await this.#order({ what: 'connect', text, seconds });
    const user = credential !== undefined && 'user' in credential ? credential.user : settings.user;
    this.known = {
      server: `ODBC ${placeOfDatabase(settings)}`,
      identity: (await this.#askWho()) ?? user ?? 'the account of the data source',
      database: settings.database || 'the database of the data source',
      encryption: 'encrypted as the driver is set',
    };
  }

  async run({ text, values }: Prepared, limit: Limit): Promise<Result> {
    if (CONTROLS.test(text)) throw controlsTransactions();
    try {
      const given = values.map(valueOf);
      const found = await this.#limited({ what: 'run', text, values: given, ...limit });
      const columns = found.columns.map(columnOf);
      const rows = found.rows.map((row) =>
        row.map((value, index) => {
          const column = found.columns[index];
          if (column === undefined) return null;
          return cellOf(value, columns[index]?.kind ?? 'text', column);
        }),
      );
      return { columns, rows, more: found.more, count: found.count };
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /** Lets the driver look at a statement; not every one asks the server. */
  async look(text: string): Promise<void> {
    try {
      await this.#limited({ what: 'prepare', text });
    } catch (error) {
      throw this.#failure(error);
    }
  }

  async begin(): Promise<void> {
    await this.#say('begin');
    this.#isOpen = true;
  }

  async commit(): Promise<void> {
    await this.#say('commit');
    this.#isOpen = false;
  }

  async rollback(): Promise<void> {
    if (this.#isOpen) await this.#say('rollback');
    this.#isOpen = false;
  }

  async cancel(): Promise<void> {
    const late = setTimeout(
      () => background(this.kill(), 'ending a driver that does not cancel'),
      CANCELLED_WITHIN,
    );
    try {
      await this.#order({ what: 'cancel' });
    } finally {
      clearTimeout(late);
    }
  }

  async #say(what: 'begin' | 'commit' | 'rollback'): Promise<void> {
    try {
      await this.#limited({ what });
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /** The name under which the database knows us, where it understands ODBC's function for it. */
  async #askWho(): Promise<string | undefined> {
    try {
      const { rows } = await this.#order({
        what: 'run',
        text: 'SELECT {fn USER()}',
        values: [],
        rows: 1,
        bytes: 1_000,
      });
      const user = rows[0]?.[0];
      return typeof user === 'string' ? user : undefined;
    } catch (error) {
      // several products want a table to select from
      if (error instanceof Diagnosed && error.answer.connected) return undefined;
      throw error;
    }
  }

  async #limited(work: OdbcWork): Promise<OdbcResult> {
    let ended: NodeJS.Timeout | undefined;
    const late = Number.isFinite(this.#timeout)
      ? setTimeout(() => {
          background(this.cancel(), 'cancelling a late statement', () => true);
          ended = setTimeout(() => this.destroy(), CANCELLED_WITHIN);
        }, timerTime(this.#timeout))
      : undefined;
    try {
      return await this.#order(work);
    } finally {
      clearTimeout(late);
      clearTimeout(ended);
    }
  }

  async #order(work: OdbcWork): Promise<OdbcResult> {
    const [, answer] = await this.ask(work);
    if ('diagnostics' in answer) throw new Diagnosed(answer);
    return answer;
  }

  #failure(error: unknown): unknown {
    if (!(error instanceof Diagnosed)) return error;
    const failure = failureOf(error.answer.diagnostics, error.answer.connected);
    if (failure.problem === 'lost') this.destroy();
    return failure;
  }
}

const CONTROLS = /^\s*(begin|commit|rollback|savepoint|start\s+transaction)\b/i;
