import type { Socket } from 'node:net';
import { timerTime, toldElsewhere } from 'waybill/adapter';
import { dial, placeOf } from 'waybill/peer/basics';
import type {
  Column,
  ColumnKind,
  Limit,
  Prepared,
  Product,
  Result,
  SqlSession,
  SqlSignIn,
} from './database.ts';
import { KeptRows } from './kept-rows.ts';
import { LiveSession } from './live-session.ts';
import {
  connectBy,
  type OracleColumn,
  type OracleConnection,
  type OracleRows,
  oracleDriver,
  readExactTimes,
  type Way,
} from './oracle-driver.ts';
import { connectFailure, failureOf, needsPassword } from './oracle-failure.ts';
import { cellOf, columnOf, valueOf } from './oracle-value.ts';
import { encryptionOf, userOf } from './sign-in.ts';
import { controlsTransactions, SqlFailure } from './sql-failure.ts';

/** In the session's formats, which are set below. */
const KEY_CASTS: Readonly<Partial<Record<ColumnKind, (name: string) => string>>> = {
  decimal: (name) => `TO_NUMBER(${name})`,
  date: (name) => `TO_DATE(${name})`,
  time: (name) => `TO_TIMESTAMP(${name})`,
  moment: (name) => `TO_TIMESTAMP_TZ(${name})`,
};

export const oracle: Product = {
  connect: connectOracle,
  placeholder: (number) => `:${number}`,
  keyPlaceholder: (number, kind) => KEY_CASTS[kind]?.(`:${number}`) ?? `:${number}`,
  keyValue(text, kind) {
    if (kind === 'whole') return BigInt(text);
    if (kind === 'float') return Number(text);
    if (kind === 'binary') return Buffer.from(text, 'base64');
    return kind === 'moment' ? text.replace('Z', '+00:00') : text;
  },
  quote: (identifier) => `"${identifier}"`,
  page: (query, order, rows) => `${query} ORDER BY ${order} FETCH FIRST ${rows} ROWS ONLY`,
  // a block may commit by itself
  isAtomic: (statement) => /^\s*(insert|update|delete|merge|select|with)\b/i.test(statement),
  // TCPS begins with TLS
  agreeToTls: () => Promise.resolve(true),
  dry: (statement) =>
    /^\s*(select|insert|update|delete|merge|with)\b/i.test(statement)
      ? `EXPLAIN PLAN FOR ${statement}`
      : undefined,
};

const FORMATS = `ALTER SESSION SET NLS_NUMERIC_CHARACTERS = '.,' NLS_DATE_FORMAT = 'YYYY-MM-DD"T"HH24:MI:SS' NLS_TIMESTAMP_FORMAT = 'YYYY-MM-DD"T"HH24:MI:SS.FF' NLS_TIMESTAMP_TZ_FORMAT = 'YYYY-MM-DD"T"HH24:MI:SS.FFTZH:TZM'`;
const WHO = `SELECT SYS_CONTEXT('USERENV', 'SESSION_USER'), SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA'), SYS_CONTEXT('USERENV', 'SERVICE_NAME') FROM DUAL`;

async function connectOracle(signIn: SqlSignIn): Promise<SqlSession> {
  const { settings, address, signal, tls } = signIn;
  const place = placeOf(address);
  const timeout = settings.connectTimeout;
  const account = accountOf(signIn, place);
  const until = AbortSignal.any([signal, AbortSignal.timeout(timerTime(timeout))]);
  const stopped = Promise.withResolvers<never>();
  let socket: Socket | undefined;
  const stop = (): void => {
    socket?.destroy();
    stopped.reject(Object.assign(new Error('ETIMEDOUT'), { code: 'ETIMEDOUT' }));
  };
  until.addEventListener('abort', stop, { once: true });
  const way: Way = {
    tls,
    async dial() {
      const inClear = { credential: () => Promise.reject(new Error('unencrypted so far')) };
      socket = await dial(inClear, { address, timeout }, signal);
      // given up meanwhile: nobody would close it
      if (until.aborted) socket.destroy();
      return socket;
    },
  };
  const connecting = async (): Promise<SqlSession> => {
    const connection = await oracleDriver().getConnection({
      ...account,
      connectString: descriptorOf(signIn),
      program: settings.application,
      driverName: 'waybill',
    });
    const session = new OracleSession(connection, signIn);
    await session.prepare();
    return session;
  };
  try {
    return await Promise.race([connectBy(way, connecting), stopped.promise]);
  } catch (error) {
    socket?.destroy();
    signal.throwIfAborted();
    throw connectFailure(way.problem ?? error, place, serviceOf(signIn));
  } finally {
    until.removeEventListener('abort', stop);
  }
}

function accountOf(signIn: SqlSignIn, place: string): Readonly<Record<string, unknown>> {
  const { credential, token } = signIn;
  if (token !== undefined) return { accessToken: token, externalAuth: true };
  if (credential?.kind !== 'basic') throw needsPassword(place);
  return { user: userOf(signIn), password: credential.password };
}

const serviceOf = ({ settings }: SqlSignIn): string => settings.instance ?? settings.database;

function descriptorOf(signIn: SqlSignIn): string {
  const { address, settings, tls } = signIn;
  const what = settings.instance === undefined ? 'SERVICE_NAME' : 'SID';
  const protocol = tls === undefined ? 'TCP' : 'TCPS';
  return `(DESCRIPTION=(ADDRESS=(PROTOCOL=${protocol})(HOST=${address.host})(PORT=${address.port}))(CONNECT_DATA=(${what}=${serviceOf(signIn)})))`;
}

/** Rows are fetched so many at a time. */
const FETCHED = 100;
/** Never limits what the engine limits. */
const NO_LIMIT = 0;

class OracleSession extends LiveSession implements SqlSession {
  readonly #connection: OracleConnection;
  readonly #stream: Socket | undefined;
  #isOpen = false;
  #working: Promise<unknown> = Promise.resolve();

  constructor(connection: OracleConnection, { settings: { timeout } }: SqlSignIn) {
    super();
    this.#connection = connection;
    connection.callTimeout = Number.isFinite(timeout) ? Math.max(1, Math.round(timeout)) : NO_LIMIT;
    readExactTimes(connection);
    this.#stream = connection['_impl'].nscon.ntAdapter?.stream;
    this.#stream?.on('close', () => this.end());
  }

  async prepare(): Promise<void> {
    await this.#execute(FORMATS, []);
    const { rows } = await this.run({ text: WHO, values: [] }, { rows: 1, bytes: 10_000 });
    const [user, schema, service] = rows[0] ?? [];
    this.known = {
      server: `Oracle ${this.#connection.oracleServerVersionString}`,
      identity: user === schema ? String(user) : `${String(user)} (schema ${String(schema)})`,
      database: String(service),
      encryption: encryptionOf(this.#stream),
    };
  }

  async run({ text, values }: Prepared, limit: Limit): Promise<Result> {
    if (CONTROLS.test(text)) throw controlsTransactions();
    return await this.#whileThere(async () => {
      const found = await this.#execute(text, values.map(valueOf));
      const [rows, ...others] = [found.resultSet, ...(found.implicitResults ?? [])].filter(
        (one) => one !== undefined,
      );
      for (const one of others) await one.close();
      return rows === undefined
        ? { columns: [], rows: [], more: false, count: found.rowsAffected ?? 0 }
        : await kept(rows, limit);
    });
  }

  async begin(): Promise<void> {
    this.#isOpen = true;
    try {
      const text = 'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE';
      await this.#whileThere(() => this.#execute(text, []));
    } catch (error) {
      // otherwise the next statement, which is a transaction of its own, would not be committed
      this.#isOpen = false;
      throw error;
    }
  }

  async commit(): Promise<void> {
    await this.#whileThere(() => this.#connection.commit());
    this.#isOpen = false;
  }

  async rollback(): Promise<void> {
    if (this.#isOpen) await this.#whileThere(() => this.#connection.rollback());
    this.#isOpen = false;
  }

  async cancel(): Promise<void> {
    // a break, which is sent over this connection and answered there; a server that is silent is left
    const late = setTimeout(() => this.destroy(), CANCELLED_WITHIN);
    try {
      await this.#connection.break();
      await this.#working.catch(toldElsewhere);
    } finally {
      clearTimeout(late);
    }
  }

  async close(): Promise<void> {
    if (this.alive) {
      this.endsAsWanted();
      // it took too long, or failed: it is ended in any case
      const late = setTimeout(() => this.destroy(), SIGNED_OFF_WITHIN);
      await this.#connection.close().catch(toldElsewhere);
      clearTimeout(late);
    }
    this.destroy();
  }

  destroy(): void {
    this.end();
    this.#stream?.destroy();
  }

  #execute(text: string, values: readonly unknown[]): ReturnType<OracleConnection['execute']> {
    return this.#connection.execute(whole(text), values, this.#isOpen ? IN_TRANSACTION : BY_ITSELF);
  }

  async #whileThere<Value>(work: () => Promise<Value>): Promise<Value> {
    if (!this.alive) throw new SqlFailure('lost');
    const working = work();
    this.#working = working;
    try {
      return await working;
    } catch (error) {
      const failure = error instanceof SqlFailure ? error : failureOf(error);
      if (failure.problem === 'lost') this.destroy();
      throw failure;
    }
  }
}

/** How each statement is executed: made once, and not for each. */
const IN_TRANSACTION = {
  autoCommit: false,
  resultSet: true,
  fetchArraySize: FETCHED,
  prefetchRows: FETCHED,
  fetchTypeHandler: ({ dbTypeName }: OracleColumn): { type: unknown } | undefined => {
    const { STRING, BUFFER } = oracleDriver();
    if (AS_TEXT.has(dbTypeName)) return { type: STRING };
    return dbTypeName === 'BLOB' ? { type: BUFFER } : undefined;
  },
};
const BY_ITSELF = { ...IN_TRANSACTION, autoCommit: true };

const SIGNED_OFF_WITHIN = 1_000;
const CANCELLED_WITHIN = 2_000;
/** Exact as a text only, or a locator otherwise. */
const AS_TEXT: ReadonlySet<string> = new Set(['NUMBER', 'CLOB', 'NCLOB']);

/** A block ends with a semicolon, which the engine has taken away like that of a statement. */
const whole = (text: string): string => (/^\s*(?:begin|declare)\b/i.test(text) ? `${text};` : text);

async function kept(rows: OracleRows, limit: Limit): Promise<Result> {
  const found = new KeptRows(limit);
  const columns: readonly Column[] = rows.metaData.map(columnOf);
  found.begin(columns);
  try {
    while (found.isWanted) {
      const some = await rows.getRows(FETCHED);
      for (const row of some) {
        found.add(
          row.map((value, index) =>
            cellOf(value, columns[index]?.kind, rows.metaData[index]?.scale),
          ),
        );
      }
      if (some.length < FETCHED) break;
    }
  } finally {
    await rows.close();
  }
  return found.result(found.length);
}

const CONTROLS = /^\s*(commit|rollback|savepoint|set\s+transaction)\b/i;
