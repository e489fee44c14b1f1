import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect as connectSecure } from 'node:tls';
import { type Connection, createConnection, type ResultSetHeader } from 'mysql2';
import { dial, placeOf } from 'waybill/peer/basics';
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
import { KeptRows } from './kept-rows.ts';
import { LiveSession } from './live-session.ts';
import { connectFailure, failureOf, type ServerError } from './mysql-failure.ts';
import { encryptionOf, passwordOf, userOf } from './sign-in.ts';
import { SqlFailure } from './sql-failure.ts';

const KEY_CASTS: Readonly<Partial<Record<ColumnKind, string>>> = {
  decimal: 'CAST(? AS DECIMAL(65,30))',
  time: 'CAST(? AS DATETIME(6))',
  moment: 'CAST(? AS DATETIME(6))',
  date: 'CAST(? AS DATE)',
  binary: 'FROM_BASE64(?)',
};

export const mysql: Product = {
  connect: connectMysql,
  placeholder: () => '?',
  keyPlaceholder: (_, kind) => KEY_CASTS[kind] ?? '?',
  keyValue(text, kind) {
    // a string would be compared as a float, which loses digits
    if (kind === 'whole') return BigInt(text);
    if (kind === 'float') return Number(text);
    return kind === 'time' || kind === 'moment' ? text.replace('T', ' ').replace('Z', '') : text;
  },
  quote: (identifier) => `\`${identifier.replaceAll('`', '``')}\``,
  page: (query, order, rows) => `${query} ORDER BY ${order} LIMIT ${rows}`,
  // each statement of a procedure would be committed by itself
  isAtomic: (statement) => /^\s*(insert|update|delete|replace|select)\b/i.test(statement),
  async agreeToTls(talk) {
    const header = await talk.bytes(4);
    const greeting = await talk.bytes(header.readUIntLE(0, 3));
    const capabilities = capabilitiesOf(greeting);
    if ((capabilities & CLIENT_SSL) === 0) return false;
    const request = Buffer.alloc(36);
    request.writeUIntLE(32, 0, 3);
    request.writeUInt8(1, 3);
    request.writeUInt32LE(CLIENT_PROTOCOL_41 | CLIENT_SSL | CLIENT_SECURE_CONNECTION, 4);
    request.writeUInt32LE(0xff_ffff, 8);
    request.writeUInt8(UTF8MB4, 12);
    talk.send(request);
    return true;
  },
  dry: (statement) =>
    /^\s*(select|insert|update|delete|replace|with)\b/i.test(statement)
      ? `EXPLAIN ${statement}`
      : undefined,
};

const CLIENT_PROTOCOL_41 = 0x02_00;
const CLIENT_SSL = 0x08_00;
const CLIENT_SECURE_CONNECTION = 0x80_00;
const UTF8MB4 = 45;

/** The lower half of what the server offers in its greeting (protocol version 10): after its version, number and the first part of the challenge. */
function capabilitiesOf(greeting: Buffer): number {
  const version = greeting.indexOf(0, 1);
  const at = version + 1 + 4 + 8 + 1;
  return greeting[0] === 10 && version > 0 && greeting.length >= at + 2
    ? greeting.readUInt16LE(at)
    : 0;
}

/** By the numbers of the protocol. */
const KINDS: Readonly<Record<number, ColumnKind>> = {
  0: 'decimal',
  1: 'whole',
  2: 'whole',
  3: 'whole',
  4: 'float',
  5: 'float',
  7: 'moment',
  8: 'whole',
  9: 'whole',
  10: 'date',
  12: 'time',
  13: 'whole',
  16: 'binary',
  245: 'json',
  246: 'decimal',
};
const BINARY_CHARSET = 63;
const BIT = 16;

const WHO = "SELECT current_user(), user(), COALESCE(database(), ''), version(), connection_id()";

async function connectMysql(signIn: SqlSignIn): Promise<SqlSession> {
  const { settings, address, signal } = signIn;
  const place = placeOf(address);
  const timeout = settings.connectTimeout;
  const user = userOf(signIn);
  const password = passwordOf(signIn);
  // The driver's own TLS is not used: it supports neither a revocation list nor an expected name.
  const socket = await dial(
    { credential: () => Promise.reject(new Error('unencrypted so far')) },
    { address, timeout },
    signal,
  );
  const connection = createConnection({
    stream: socket,
    host: address.host,
    user,
    ...(password !== undefined && { password }),
    database: settings.database,
    charset: 'utf8mb4',
    timezone: 'Z',
    dateStrings: true,
    jsonStrings: true,
    supportBigNumbers: true,
    bigNumberStrings: true,
    connectAttributes: { program_name: settings.application },
    flags: ['-LOCAL_FILES'],
    maxPreparedStatements: 100,
    connectTimeout: Number.isFinite(timeout) ? timeout : 2 ** 31 - 1,
    enableCleartextPlugin: signIn.token !== undefined && signIn.tls !== undefined,
    ...(signIn.tls !== undefined && { ssl: {} }),
  });
  const tls = secured(connection, signIn);
  const session = new MysqlSession(connection, signIn);
  const connected = Promise.withResolvers<void>();
  const give = (): void => {
    session.destroy();
    // the driver, once closed, tells nobody
    connected.reject(signal.reason);
  };
  signal.addEventListener('abort', give, { once: true });
  try {
    signal.throwIfAborted();
    connection.connect((error) => {
      if (error === null) connected.resolve();
      else connected.reject(error);
    });
    await connected.promise;
    await session.prepare();
    return session;
  } catch (error) {
    session.destroy();
    signal.throwIfAborted();
    throw connectFailure(tls.problem ?? error, place, settings.database);
  } finally {
    signal.removeEventListener('abort', give);
  }
}

/** What the driver's types lack. */
interface Inner {
  stream: Socket;
  readonly packetParser: { execute(bytes: Buffer): void };
  startTLS(secure: (error?: Error) => void): void;
  _handleNetworkError(error: Error): void;
}

const inner = (connection: Connection): Inner => connection as unknown as Inner;

/** Makes the driver switch to TLS like every adapter: the server is verified before anything is sent to it. */
function secured(connection: Connection, { tls }: SqlSignIn): { problem?: Error } {
  const told: { problem?: Error } = {};
  const driver = inner(connection);
  driver.startTLS = (secure) => {
    const plain = driver.stream.removeAllListeners('data');
    const socket = connectSecure({ ...tls, socket: plain });
    let ready = false;
    socket.on('secureConnect', () => {
      ready = true;
      secure();
    });
    socket.on('error', (error) => {
      if (ready) return driver['_handleNetworkError'](error);
      told.problem = Object.assign(new Error(error.message), error);
      secure(error);
    });
    socket.on('data', (bytes) => driver.packetParser.execute(bytes));
    driver.stream = socket;
  };
  return told;
}

class MysqlSession extends LiveSession implements SqlSession {
  readonly #connection: Connection;
  readonly #signIn: SqlSignIn;
  #process = 0n;
  readonly #waiting = new Set<(error: Error) => void>();

  constructor(connection: Connection, signIn: SqlSignIn) {
    super();
    this.#connection = connection;
    this.#signIn = signIn;
    // pending work is told too
    connection.on('error', () => this.end());
    inner(connection).stream.on('close', () => this.end());
  }

  async prepare(): Promise<void> {
    const [who = []] = (await this.#say(WHO)) as unknown[][];
    const [account, login, database, version, id] = who;
    this.#process = BigInt(String(id));
    const isMaria = String(version).includes('MariaDB');
    this.known = {
      server: `${isMaria ? 'MariaDB' : 'MySQL'} ${String(version).split('-', 1)[0]}`,
      identity:
        account === login ? String(account) : `${String(account)} (connected as ${String(login)})`,
      database: String(database),
      encryption: encryptionOf(inner(this.#connection).stream),
    };
    const { timeout } = this.#signIn.settings;
    const limit = Number.isFinite(timeout) ? timeout : 0;
    // in one statement: each would be a round trip of each new connection
    const set = isMaria
      ? `SET time_zone = '+00:00', max_statement_time = ${limit / 1_000}`
      : `SET time_zone = '+00:00', max_execution_time = ${Math.round(limit)}`;
    if (!isMaria) return void (await this.#say(set));
    // Then a row that was changed since it was read causes an error (MariaDB from 10.6.18 on).
    const isolated = set.replace('SET', 'SET innodb_snapshot_isolation = ON,');
    await this.#say(isolated).catch((error: unknown) => {
      if (!isUnknownVariable(error)) throw error;
      return this.#say(set);
    });
  }

  run({ text, values }: Prepared, limit: Limit): Promise<Result> {
    return this.#whileThere((resolve, reject) => {
      const kept = new KeptRows(limit);
      let readers: readonly CellReader[] = [];
      let changed = 0;
      const query = this.#connection.execute({
        sql: text,
        values: values.map(valueOf),
        rowsAsArray: true,
      });
      let failed: unknown;
      query.on('fields', (fields: readonly Field[] | undefined) => {
        if (fields === undefined) return;
        kept.begin(fields.map(columnOf));
        readers = kept.columns.map(({ kind }) => CELLS[kind] ?? String);
      });
      query.on('result', (row: unknown[] | ResultSetHeader) => {
        if (!isRow(row)) changed += row.affectedRows;
        else if (kept.isWanted) kept.add(cellsOf(row, readers));
      });
      query.on('error', (error: unknown) => {
        failed = error;
        // nothing follows one that ended the connection
        reject(this.#failure(error));
      });
      query.on('end', () => {
        if (failed === undefined) resolve(kept.result(changed + kept.length));
      });
    });
  }

  async begin(): Promise<void> {
    await this.#say('START TRANSACTION');
  }

  async commit(): Promise<void> {
    await this.#say('COMMIT');
  }

  async rollback(): Promise<void> {
    await this.#say('ROLLBACK');
  }

  async cancel(): Promise<void> {
    const signal = AbortSignal.timeout(5_000);
    const other = (await connectMysql({ ...this.#signIn, signal })) as MysqlSession;
    signal.addEventListener('abort', () => other.destroy(), { once: true });
    try {
      // takes no placeholder; the number is the server's own
      await other.#say(`KILL QUERY ${this.#process}`);
    } finally {
      await other.close();
    }
  }

  async close(): Promise<void> {
    if (this.alive) {
      this.endsAsWanted();
      const ended = once(inner(this.#connection).stream, 'close', {
        signal: AbortSignal.timeout(1_000),
      });
      this.#connection.end();
      // it took too long, or failed: it is ended in any case
      await ended.catch(() => undefined);
    }
    this.destroy();
  }

  destroy(): void {
    this.end();
    this.#connection.destroy();
    // the driver only says goodbye, and a server that is silent does not answer it
    inner(this.#connection).stream.destroy();
  }

  /** Without values, so that it need not be prepared first. */
  #say(sql: string): Promise<unknown> {
    return this.#whileThere((resolve, reject) => {
      this.#connection.query({ sql, rowsAsArray: true }, (error, rows) =>
        error === null ? resolve(rows) : reject(this.#failure(error)),
      );
    });
  }

  /** The driver does not tell pending commands that the connection has ended. */
  async #whileThere<Value>(
    work: (resolve: (value: Value) => void, reject: (error: Error) => void) => void,
  ): Promise<Value> {
    if (!this.alive) throw new SqlFailure('lost');
    const { promise, resolve, reject } = Promise.withResolvers<Value>();
    this.#waiting.add(reject);
    try {
      work(resolve, reject);
      return await promise;
    } finally {
      this.#waiting.delete(reject);
    }
  }

  #failure(error: unknown): Error {
    if (error instanceof SqlFailure) return error;
    const failure = failureOf(error as ServerError);
    if (failure.problem === 'lost') this.destroy();
    return failure;
  }

  protected override failPending(): void {
    for (const reject of this.#waiting) reject(new SqlFailure('lost'));
  }
}

/** An older server: then rows are locked only if the query says so. */
const isUnknownVariable = (error: unknown): boolean =>
  error instanceof SqlFailure && error.message.includes('1193');

interface Field {
  readonly name: string;
  readonly columnType: number;
  readonly characterSet: number;
  readonly columnLength: number;
}

function columnOf({ name, columnType, characterSet, columnLength }: Field): Column {
  if (columnType === BIT && columnLength === 1) return { name, kind: 'flag' };
  const isBytes = columnType >= 249 && columnType <= 254 && characterSet === BINARY_CHARSET;
  return { name, kind: isBytes ? 'binary' : (KINDS[columnType] ?? 'text') };
}

type CellReader = (value: string | number | Uint8Array) => Cell;

/** Of the other kinds the text is the cell. */
const CELLS: Readonly<Partial<Record<ColumnKind, CellReader>>> = {
  whole: (value) => BigInt(String(value)),
  flag: (value) => (value instanceof Uint8Array ? value[0] === 1 : Boolean(value)),
  float: Number,
  time: (value) => String(value).replace(' ', 'T'),
  moment: (value) => `${String(value).replace(' ', 'T')}Z`,
  binary: (value) => (value instanceof Uint8Array ? value : Buffer.from(String(value))),
};

const isRow = (row: unknown[] | ResultSetHeader): row is unknown[] => Array.isArray(row);

/** In the driver's own row, which nobody else has. It has strings, numbers and bytes; geometry as objects. */
function cellsOf(row: unknown[], readers: readonly CellReader[]): Row {
  for (let at = 0; at < row.length; at++) {
    const value = row[at];
    if (typeof value === 'string' || typeof value === 'number' || value instanceof Uint8Array)
      row[at] = readers[at]?.(value);
    else row[at] = value === null || value === undefined ? null : JSON.stringify(value);
  }
  return row as Cell[];
}

/** What the driver's types lack: it sends a bigint as a 64-bit integer. */
function valueOf(value: Parameter): string | number | boolean | Buffer | null {
  if (typeof value === 'bigint') return value as unknown as number;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value instanceof Date) return value.toISOString().replace('T', ' ').replace('Z', '');
  if (value instanceof Uint8Array) return Buffer.from(value);
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
}
