import type { Socket } from 'node:net';
import { Client, Query, type QueryArrayConfig } from 'pg';
import { EngineError } from 'waybill/adapter';
import { notConnected, placeOf } from 'waybill/peer/basics';
import type {
  Cell,
  Column,
  ColumnKind,
  Limit,
  Parameter,
  Prepared,
  Product,
  Result,
  Row,
  SqlSession,
  SqlSignIn,
} from './database.ts';
import { LiveSession } from './live-session.ts';
import { weight } from './row-json.ts';
import { encryptionOf, noTls, notNow, passwordOf, refused, userOf } from './sign-in.ts';
import { SqlFailure, type SqlProblem } from './sql-failure.ts';

export const postgresql: Product = {
  connect: connectPostgres,
  placeholder: (number) => `$${number}`,
  keyPlaceholder: (number, kind) =>
    kind === 'binary' ? `decode($${number}, 'base64')` : `$${number}`,
  keyValue: (text) => text,
  quote: (identifier) => `"${identifier.replaceAll('"', '""')}"`,
  page: (query, order, rows) => `${query} ORDER BY ${order} LIMIT ${rows}`,
  isAtomic: () => true,
  async agreeToTls(talk) {
    // SSLRequest: its length and its code
    talk.send(Buffer.of(0, 0, 0, 8, 4, 210, 22, 47));
    return (await talk.bytes(1)).toString('latin1') === 'S';
  },
  dry: (statement) =>
    /^\s*(select|insert|update|delete|merge|with|values)\b/i.test(statement)
      ? `EXPLAIN ${statement}`
      : undefined,
};

/** Everything is read as text, so that nothing is lost in a JavaScript number or date. */
const AS_TEXT = { getTypeParser: () => (text: string) => text };

/** By the OIDs of pg_type. */
const KINDS: Readonly<Record<number, ColumnKind>> = {
  16: 'flag',
  17: 'binary',
  20: 'whole',
  21: 'whole',
  23: 'whole',
  26: 'whole',
  114: 'json',
  700: 'float',
  701: 'float',
  1082: 'date',
  1114: 'time',
  1184: 'moment',
  1700: 'decimal',
  3802: 'json',
};

const SETUP = [
  "SET TimeZone = 'UTC'",
  "SET DateStyle = 'ISO, YMD'",
  "SET IntervalStyle = 'iso_8601'",
  "SET bytea_output = 'hex'",
  'SET extra_float_digits = 1',
];
const WHO =
  "SELECT current_user::text, session_user::text, current_database()::text, current_setting('server_version'), pg_backend_pid()::text";

async function connectPostgres(signIn: SqlSignIn): Promise<SqlSession> {
  const { settings, address, signal } = signIn;
  const place = placeOf(address);
  const client = new Client({
    host: address.host,
    port: address.port,
    database: settings.database,
    user: userOf(signIn),
    password: passwordOf(signIn),
    ssl: signIn.tls ?? false,
    connectionTimeoutMillis: Number.isFinite(settings.connectTimeout) ? settings.connectTimeout : 0,
    keepAlive: true,
    keepAliveInitialDelayMillis: 30_000,
    application_name: settings.application,
  });
  const session = new PostgresSession(client, signIn);
  const give = (): void => session.destroy();
  signal.addEventListener('abort', give, { once: true });
  try {
    signal.throwIfAborted();
    await client.connect();
    await session.prepare();
    return session;
  } catch (error) {
    session.destroy();
    signal.throwIfAborted();
    throw connectFailure(error, place, settings.database);
  } finally {
    signal.removeEventListener('abort', give);
  }
}

class PostgresSession extends LiveSession implements SqlSession {
  readonly #client: Client;
  readonly #signIn: SqlSignIn;
  readonly #statements = new Map<string, object>();
  #process = '';

  constructor(client: Client, signIn: SqlSignIn) {
    super();
    this.#client = client;
    this.#signIn = signIn;
    // pending work is told too
    client.on('error', () => this.end());
    client.on('end', () => this.end());
  }

  async prepare(): Promise<void> {
    const { timeout } = this.#signIn.settings;
    const limit = Number.isFinite(timeout) ? Math.max(1, Math.round(timeout)) : 0;
    await this.#client.query([...SETUP, `SET statement_timeout = ${limit}`].join(';'));
    const { rows } = await this.#client.query<string[]>({
      text: WHO,
      rowMode: 'array',
      types: AS_TEXT,
    });
    const [current = '', signedIn = '', database = '', version = '', process = ''] = rows[0] ?? [];
    this.#process = process;
    this.known = {
      server: `PostgreSQL ${version.split(' ', 1)[0]}`,
      identity: current === signedIn ? current : `${current} (signed in as ${signedIn})`,
      database,
      encryption: encryptionOf(streamOf(this.#client)),
    };
  }

  run({ text, values }: Prepared, limit: Limit): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (!this.alive) return reject(new SqlFailure('lost'));
      const query = new LimitedQuery(this.#statementOf(text), values.map(textOf), limit);
      query.on('end', (result) => resolve(query.result(result)));
      query.on('error', (error) => reject(this.#failure(error)));
      this.#client.query(query);
    });
  }

  async begin(): Promise<void> {
    await this.#say('BEGIN ISOLATION LEVEL REPEATABLE READ');
  }

  async commit(): Promise<void> {
    const { command } = await this.#say('COMMIT');
    // after a failure, COMMIT rolls back without an error
    if (command !== 'COMMIT')
      throw new SqlFailure('error', { what: 'the transaction was rolled back' });
  }

  async rollback(): Promise<void> {
    await this.#say('ROLLBACK');
  }

  async cancel(): Promise<void> {
    const signal = AbortSignal.timeout(5_000);
    const other = (await connectPostgres({ ...this.#signIn, signal })) as PostgresSession;
    signal.addEventListener('abort', () => other.destroy(), { once: true });
    try {
      await other.run(
        { text: 'SELECT pg_cancel_backend($1::int)', values: [this.#process] },
        { rows: 1, bytes: 100 },
      );
    } finally {
      await other.close();
    }
  }

  async close(): Promise<void> {
    if (!this.alive) return this.destroy();
    this.endsAsWanted();
    const late = setTimeout(() => this.destroy(), 1_000);
    // it ended meanwhile
    await this.#client.end().catch(() => undefined);
    clearTimeout(late);
    this.destroy();
  }

  destroy(): void {
    this.end();
    streamOf(this.#client)?.destroy();
  }

  async #say(text: string): Promise<{ readonly command: string }> {
    try {
      if (!this.alive) throw new SqlFailure('lost');
      return await this.#client.query(text);
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /** With a name, so that the server parses each statement once; limited if there are many statements. */
  #statementOf(text: string): object {
    const known = this.#statements.get(text);
    if (known !== undefined) return known;
    const isNamed = this.#statements.size < 100;
    const name = isNamed ? `waybill_${this.#statements.size}` : undefined;
    const made = { text, name, queryMode: 'extended', rowMode: 'array', types: AS_TEXT };
    if (isNamed) this.#statements.set(text, made);
    return made;
  }

  #failure(error: unknown): Error {
    if (error instanceof SqlFailure) return error;
    const { code } = error as { code?: unknown };
    if (typeof code !== 'string' || !/^[0-9A-Z]{5}$/.test(code)) {
      this.destroy();
      return new SqlFailure('lost');
    }
    const failure = failureOf(error as ServerError);
    // a prepared statement may not fit a changed table; another session prepares it again
    if (code === '0A000' || failure.problem === 'lost') this.destroy();
    return failure;
  }
}

/** The part of the driver's connection that a query uses. */
interface Wire {
  execute(what: { readonly portal: string; readonly rows: number }): void;
  sync(): void;
}

/** A query that stops after so many rows, and keeps only as many as fit. */
class LimitedQuery extends Query<string[]> {
  readonly #limit: Limit;
  readonly #rows: (readonly (string | null)[])[] = [];
  #bytes = 0;
  #more = false;

  constructor(statement: object, values: readonly unknown[], limit: Limit) {
    // the driver copies each property that the object itself has, and leaves what it inherits
    const config = Object.create(statement) as { values: readonly unknown[] };
    config.values = values;
    super(config as unknown as QueryArrayConfig);
    this.#limit = limit;
    this.on('row', (row) => this.#keep(row as unknown as readonly (string | null)[]));
  }

  /** Called by the driver to execute the statement: only as many rows as wanted are sent, in one round trip. */
  _getRows(connection: Wire): void {
    connection.execute({ portal: '', rows: this.#limit.rows + 1 });
    connection.sync();
  }

  /** Called by the driver if there are more rows; it would fetch the next ones. */
  handlePortalSuspended(): void {
    this.#more = true;
  }

  result({
    fields,
    rowCount,
  }: {
    fields: readonly { name: string; dataTypeID: number }[];
    rowCount: number | null;
  }): Result {
    const columns = fields.map(
      ({ name, dataTypeID }): Column => ({ name, kind: KINDS[dataTypeID] ?? 'text' }),
    );
    return {
      columns,
      rows: this.#rows.map(
        (row): Row => row.map((text, index) => cellOf(text, columns[index]?.kind)),
      ),
      more: this.#more,
      count: rowCount ?? this.#rows.length,
    };
  }

  #keep(row: readonly (string | null)[]): void {
    this.#bytes += weight(row);
    const fits =
      this.#rows.length < this.#limit.rows &&
      (this.#bytes <= this.#limit.bytes || this.#rows.length === 0);
    if (fits && !this.#more) this.#rows.push(row);
    else this.#more = true;
  }
}

const CELLS: Readonly<Partial<Record<ColumnKind, (text: string) => Cell>>> = {
  flag: (text) => text === 't',
  whole: BigInt,
  // NaN and Infinity stay texts
  float: (text) => (/^-?[\d.e+-]+$/i.test(text) ? Number(text) : text),
  binary: (text) => Buffer.from(text.slice(2), 'hex'),
  time: (text) => text.replace(' ', 'T'),
  moment: (text) => text.replace(' ', 'T').replace(/\+00$/, 'Z'),
};

const cellOf = (text: string | null, kind: ColumnKind = 'text'): Cell =>
  text === null ? null : (CELLS[kind]?.(text) ?? text);

function textOf(value: Parameter): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'bigint' || typeof value === 'number' || typeof value === 'boolean') {
    return String(value);
  }
  return value;
}

/** The connection of a client, which the driver's types do not declare. */
function streamOf(client: Client): Socket | undefined {
  return (client as unknown as { connection?: { stream?: Socket } }).connection?.stream;
}

interface ServerError {
  readonly code: string;
  readonly message: string;
  readonly constraint?: string;
  readonly table?: string;
  readonly column?: string;
}

/** By SQLSTATE, or by its class. */
const PROBLEMS: Readonly<Record<string, SqlProblem>> = {
  '23505': 'duplicate',
  '23': 'constraint',
  '22': 'value',
  '40': 'deadlock',
  '55P03': 'deadlock',
  '57014': 'timeout',
  '57P01': 'lost',
  '57P02': 'lost',
  '57P05': 'lost',
  '25P03': 'lost',
  '08': 'lost',
  '57P03': 'busy',
  '25006': 'busy',
  '53300': 'busy',
  '53': 'full',
  '42501': 'denied',
  '42P01': 'unknown',
  '42703': 'unknown',
  '42883': 'unknown',
  '3F000': 'unknown',
  '42804': 'value',
  '0A000': 'busy',
  '42': 'syntax',
  P0001: 'raised',
};

/** What the server reports for a statement. */
function failureOf({ code, message, constraint, table, column }: ServerError): SqlFailure {
  const problem = PROBLEMS[code] ?? PROBLEMS[code.slice(0, 2)] ?? 'error';
  const named = constraint ?? [table, column].filter((one) => one !== undefined).join('.');
  return new SqlFailure(problem, {
    state: `SQLSTATE ${code}`,
    about: named,
    // not its detail, which quotes whole rows
    said: message.slice(0, 1_000),
  });
}

/** Why a sign-in is refused, by SQLSTATE. */
const REFUSALS: Readonly<Record<string, (database: string) => string>> = {
  '28P01': () => 'user or password is wrong',
  '28000': () =>
    'pg_hba.conf does not allow this account from here, with this method or without TLS',
  '3D000': (database) => `there is no database ${database}`,
  '42501': (database) => `the account may not connect to the database ${database}`,
};

/** The error to throw if no session could be opened. */
function connectFailure(error: unknown, place: string, database: string): Error {
  if (error instanceof EngineError || error instanceof SqlFailure) return error;
  const { code, message } = error as { code?: unknown; message: string };
  if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) {
    const why = REFUSALS[code]?.(database);
    return why === undefined ? notNow(place, `SQLSTATE ${code}`) : refused(place, why);
  }
  if (/does not support SSL/i.test(message)) return noTls(place);
  if (/SASL|client password must be a string/i.test(message)) {
    return refused(
      place,
      'it requires a password and none was given, or it requires an unsupported authentication method',
    );
  }
  const known = SYSTEM.find(([pattern]) => pattern.test(message))?.[1];
  return notConnected(
    known === undefined ? error : Object.assign(new Error(known), { code: known }),
    place,
  );
}

/** What the driver reports as text, and the system as a code. */
const SYSTEM: readonly (readonly [RegExp, string])[] = [
  [/timeout expired|due to connection timeout/i, 'ETIMEDOUT'],
  [/^Connection terminated/, 'ECONNRESET'],
];
