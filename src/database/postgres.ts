import {
  type ClientBase,
  Pool,
  type PoolClient,
  type PoolConfig,
  type QueryConfig,
  type QueryResult,
  TypeOverrides,
} from 'pg';
import { EngineError } from '../error/engine-error.ts';
import { toldElsewhere } from '../error/foreseen.ts';

/** A value of a statement; arrays are for `unnest` and `ANY`. */
export type SqlValue = string | number | boolean | null | Uint8Array | readonly SqlValue[];

/** Runs statements on some connection; placeholders are written `?`. */
export interface PostgresSession {
  rows<Row>(sql: string, ...values: readonly SqlValue[]): Promise<Row[]>;
  /** Returns how many rows changed. */
  run(sql: string, ...values: readonly SqlValue[]): Promise<number>;
}

export interface Database extends PostgresSession {
  /**
   * Runs `work` in one transaction, one at a time across all users of the schema with the same
   * purpose, so that what it reads stays true until it writes. `work` must use only its own
   * session.
   */
  transaction<Result>(work: (session: PostgresSession) => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  readonly url: string;
  /** Connections see only this schema. */
  readonly schema: string;
  /** The purpose: it names the connections, and groups the transactions that run one at a time. */
  readonly purpose: string;
  /** The most connections. */
  readonly connections: number;
  /** Milliseconds that one statement may take before the server ends it. */
  readonly limit: number;
}

const INT8 = 20;
const CONNECT_LIMIT = 5_000;
/** Milliseconds to wait for the server's own error about a statement that took too long. */
const GRACE = 1_000;

/**
 * Opens a pool of connections. A database that does not answer costs callers a bounded time, and
 * those right after it nothing: see `reachable`.
 */
export function database(options: DatabaseOptions): Database {
  const { url, schema, purpose, limit } = options;
  const pool = postgresPool(
    {
      connectionString: url,
      max: options.connections,
      application_name: `waybill ${purpose}`,
      connectionTimeoutMillis: CONNECT_LIMIT,
      query_timeout: limit + GRACE,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      types: safeIntegers(),
    },
    { schema, limit },
  );
  const guard = reachable((error) =>
    isUnreached(error) ? { error: unreached(url, error), isDown: !isCut(error) } : undefined,
  );
  let turn: Promise<unknown> = Promise.resolve();
  const told = <Result>(work: () => Promise<Result>): Promise<Result> =>
    guard(() =>
      work().catch((error: unknown) => {
        if (codeOf(error) === CANCELLED) throw tooSlow(limit);
        throw codeOf(error) === DENIED ? unreached(url, error) : error;
      }),
    );
  return {
    ...session((query) =>
      told(() =>
        pool.query(query).catch((error: unknown) => {
          // the pool may only now notice that an idle connection was cut; reading twice is harmless
          if (isCut(error) && /^\s*SELECT\b/i.test(query.text)) return pool.query(query);
          throw error;
        }),
      ),
    ),
    transaction(work) {
      // serialised here as well: waiting transactions must not occupy every connection
      const mine = turn.then(async () => {
        const ended = await told(() => transaction(pool, `waybill ${purpose} ${schema}`, work));
        if ('own' in ended) throw ended.own;
        return ended.result;
      });
      // the caller gets the result
      turn = mine.catch(toldElsewhere);
      return mine;
    },
    close: () => pool.close(),
  };
}

/** What the work of a transaction threw by itself (`own`) says nothing of the server, whatever code it has. */
type Ended<Result> = { readonly result: Result } | { readonly own: unknown };

/** Throws what the server or the connection to it throws. */
async function transaction<Result>(
  pool: PostgresPool,
  lock: string,
  work: (session: PostgresSession) => Promise<Result>,
): Promise<Ended<Result>> {
  const connection = await pool.connect();
  const { client } = connection;
  let broken = false;
  const ofServer = new Set<unknown>();
  const ask = async (query: QueryConfig): Promise<QueryResult> => {
    try {
      return await connection.query(query);
    } catch (error) {
      ofServer.add(error);
      broken ||= isUnreached(error);
      throw error;
    }
  };
  // without a listener, a connection that ends between two statements would end the process
  const lost = (): void => {
    broken = true;
  };
  client.on('error', lost);
  try {
    await ask({ text: connection.begin });
    await ask({ text: 'SELECT pg_advisory_xact_lock(hashtext($1))', values: [lock] });
    const result = await work(session(ask));
    await ask({ text: 'COMMIT' });
    return { result };
  } catch (error) {
    // an abandoned statement is still running: closing its connection ends the transaction as well
    if (!broken) {
      await ask({ text: 'ROLLBACK' }).catch(() => {
        broken = true;
      });
    }
    if (ofServer.has(error)) throw error;
    return { own: error };
  } finally {
    client.off('error', lost);
    client.release(broken);
  }
}

function safeIntegers(): TypeOverrides {
  const types = new TypeOverrides();
  // every stored number is a safe integer
  types.setTypeParser(INT8, Number);
  return types;
}

/** PostgreSQL's own code for a statement that exceeded its time limit. */
const CANCELLED = '57014';
/** For a connection that the server has ended since nothing was asked over it (`idle_session_timeout`). */
const IDLE = '57P05';
/** For what the role has no right to. */
const DENIED = '42501';
/** For one that only reads: the server has become a standby, and another connection may lead to the primary. */
const READ_ONLY = '25006';

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

/** Whether the server could not be reached, as opposed to refusing. */
export function isUnreached(error: unknown): boolean {
  if (error instanceof EngineError) return false;
  const code = codeOf(error);
  // codes of five letters or digits are PostgreSQL's own
  if (code === undefined)
    return error instanceof Error && /timeout|terminated|Connection/i.test(error.message);
  if (!/^[0-9A-Z]{5}$/.test(code) || code === READ_ONLY) return true;
  return /^(?:57|08|53|28|3D)/.test(code) && code !== CANCELLED;
}

/** Whether an existing connection was lost. */
function isCut(error: unknown): boolean {
  const code = codeOf(error);
  return (
    code === '57P01' ||
    code === IDLE ||
    code === READ_ONLY ||
    code === 'ECONNRESET' ||
    (error instanceof Error && /terminated unexpectedly|not queryable/.test(error.message))
  );
}

/** Where it is, without user and password. */
function placeOf(url: string): string {
  const { hostname, port, pathname } = new URL(url);
  return `${pathname.slice(1) || 'the database'} at ${hostname}:${port || 5432}`;
}

const REFUSED =
  'refuses the user, the password or the database: set the role right, or start again with another --trace';

/** What a server says that is there, by its code, and what helps. */
const SHORT_OF: Readonly<Record<string, string>> = {
  [READ_ONLY]:
    'takes no changes, as a standby does: name the primary in --trace, or permit changes',
  '53100': 'has no space left on its disk: free some',
  '53200': 'has no memory left: look at what else it does',
  '53300': 'has no connection left: raise max_connections, or end others',
  [DENIED]: 'denies the role a right: let it own its schema and all tables in it, with all rights',
  '28P01': REFUSED,
  '28000': REFUSED,
  '3D000': REFUSED,
  '57P03': 'is starting, stopping or recovering: wait for it, and look at its log',
};

function unreached(url: string, error: unknown): EngineError {
  const short = SHORT_OF[codeOf(error) ?? ''];
  if (short !== undefined) {
    const text = `PostgreSQL (${placeOf(url)}) ${short}; then nothing else has to be done here`;
    return new EngineError('STORE_UNAVAILABLE', text, { retryable: true });
  }
  const why = codeOf(error) ?? (error instanceof Error ? error.message : 'no answer');
  return new EngineError(
    'STORE_UNAVAILABLE',
    `PostgreSQL does not answer (${placeOf(url)}: ${why}): check that it runs and can be reached; once it answers, nothing else has to be done here`,
    { retryable: true },
  );
}

function tooSlow(limit: number): EngineError {
  return new EngineError(
    'STORE_UNAVAILABLE',
    `PostgreSQL took longer than ${Math.round(limit / 1_000)} s for one statement, which was ended: ask for less, or check what it is busy with`,
    { retryable: true },
  );
}

/** How many statements the server keeps planned: with a partition per day, planning takes longer than reading. */
const PLANNED = 300;
const statementNames = new Map<string, string>();

function nameOf(text: string): string | undefined {
  const known = statementNames.get(text);
  if (known !== undefined || statementNames.size >= PLANNED) return known;
  const name = `s${statementNames.size}`;
  statementNames.set(text, name);
  return name;
}

function session(ask: (query: QueryConfig) => Promise<QueryResult>): PostgresSession {
  const query = (sql: string, values: readonly SqlValue[]): Promise<QueryResult> => {
    const text = numbered(sql);
    const name = values.length === 0 ? undefined : nameOf(text);
    return ask({ text, values: values.map(storable), ...(name === undefined ? {} : { name }) });
  };
  return {
    rows: async <Row>(sql: string, ...values: readonly SqlValue[]) =>
      (await query(sql, values)).rows as Row[],
    run: async (sql, ...values) => (await query(sql, values)).rowCount ?? 0,
  };
}

/** Replaces `?` with PostgreSQL's numbered placeholders. */
function numbered(sql: string): string {
  let place = 0;
  return sql.replaceAll('?', () => `$${++place}`);
}

/** PostgreSQL's texts allow no NUL and only complete characters; a peer's text may contain anything. */
function storable(value: SqlValue): unknown {
  if (typeof value === 'string') return value.replaceAll('\0', '\uFFFD').toWellFormed();
  if (Array.isArray(value)) return value.map(storable);
  return value instanceof Uint8Array ? Buffer.from(value) : value;
}

/** Milliseconds without a new try after a server has not answered. */
const PAUSE = 2_000;

/** The meaning of a failure: the server was not reached, and the error for that. */
interface Unreached {
  readonly error: Error;
  /** Whether it is stuck or unreachable; otherwise one connection was lost, and the next is made at once. */
  readonly isDown: boolean;
}

/**
 * Guards requests to a server that may get stuck. Requests in progress when it stops answering wait
 * for a bounded time; after that, others are refused at once with the same reason, and only one at
 * a time tries until it answers again.
 *
 * @param meaningOf undefined for a failure of any other kind
 */
function reachable(
  meaningOf: (error: unknown) => Unreached | undefined,
): <Result>(work: () => Promise<Result>) => Promise<Result> {
  let down: { readonly error: Error; readonly until: number; probing: boolean } | undefined;
  return async (work) => {
    if (down !== undefined && (down.probing || performance.now() < down.until)) throw down.error;
    if (down !== undefined) down.probing = true;
    try {
      const result = await work();
      down = undefined;
      return result;
    } catch (error) {
      const failure = meaningOf(error);
      // any other answer shows that it is reachable
      down = failure?.isDown
        ? { error: failure.error, until: performance.now() + PAUSE, probing: false }
        : undefined;
      throw failure?.error ?? error;
    }
  };
}

/** What each statement runs under. */
interface StatementSettings {
  /** The only schema that is seen. */
  readonly schema: string;
  /** Milliseconds that a statement may take. */
  readonly limit: number;
}

interface PostgresPool {
  /** Runs one statement. */
  query(query: QueryConfig): Promise<QueryResult>;
  /** A connection for a transaction. */
  connect(): Promise<PostgresConnection>;
  close(): Promise<void>;
}

interface PostgresConnection {
  readonly client: PoolClient;
  /** The statement that begins a transaction. */
  readonly begin: string;
  query(query: QueryConfig): Promise<QueryResult>;
}

const CLOSE_LIMIT = 1_000;

/**
 * Connections to a server, or to a pool that stands before it, such as PgBouncer. Such a pool refuses or drops the
 * settings of a connection, and may give each transaction another one to the server: without the search path, statements
 * would reach the tables of another schema. So each new connection is asked whether the server has the settings. If it
 * has not, transactions set them themselves, each statement is one, and none is kept planned.
 */
function postgresPool(config: PoolConfig, settings: StatementSettings): PostgresPool {
  const sockets = new Set<ClientBase>();
  const opened = (own: PoolConfig): Pool => {
    const made = new Pool({ ...config, ...own });
    made.on('connect', (client) => sockets.add(client));
    made.on('remove', (client) => sockets.delete(client));
    // the pool replaces a connection that breaks while idle; the next caller gets the error
    made.on('error', () => undefined);
    return made;
  };
  let pool = opened({
    options: pairsOf(settings)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
    // oxlint-disable-next-line typescript/no-misused-promises -- the pool awaits it; its types do not say so
    onConnect: (client) => checkSettings(client, settings),
  });
  const pools = [pool];
  let begin = BEGIN;
  const asFound = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    const asked = pool;
    try {
      return await work();
    } catch (error) {
      if (!isWithoutSettings(error)) throw error;
      if (asked === pool) {
        pool = opened({});
        // who waits for a connection of the first one is told the same by it
        pools.push(pool);
        begin = [BEGIN, ...pairsOf(settings).map((pair) => `SET LOCAL ${pair.join(' = ')}`)].join(
          '; ',
        );
      }
      return work();
    }
  };
  const connect = async (): Promise<PostgresConnection> => {
    const client = await pool.connect();
    const isDirect = begin === BEGIN;
    // a name is known to one connection to the server, and the next transaction may get another
    const query = ({ name, ...rest }: QueryConfig): Promise<QueryResult> =>
      client.query(isDirect && name !== undefined ? { ...rest, name } : rest);
    return { client, begin, query };
  };
  return {
    query: (query) => asFound(() => (begin === BEGIN ? pool.query(query) : alone(connect, query))),
    connect: () => asFound(connect),
    async close() {
      const ended = pools.map((one) => one.end());
      // a stuck server never closes its end
      const timer = setTimeout(() => {
        for (const client of sockets) socketOf(client)?.destroy();
      }, CLOSE_LIMIT);
      timer.unref();
      await Promise.all(ended);
    },
  };
}

const BEGIN = 'BEGIN';

/** A statement as a transaction of its own. */
async function alone(
  connect: () => Promise<PostgresConnection>,
  query: QueryConfig,
): Promise<QueryResult> {
  const connection = await connect();
  let isDone = false;
  try {
    await connection.client.query(connection.begin);
    const result = await connection.query(query);
    await connection.client.query('COMMIT');
    isDone = true;
    return result;
  } finally {
    // closed, its transaction ends as well
    connection.client.release(!isDone);
  }
}

const pairsOf = ({ schema, limit }: StatementSettings): [name: string, value: string][] => [
  ['search_path', `"${schema}"`],
  ['jit', 'off'],
  ['statement_timeout', String(limit)],
  ['idle_in_transaction_session_timeout', String(limit)],
];

class WithoutSettings extends Error {}

async function checkSettings(client: ClientBase, { schema }: StatementSettings): Promise<void> {
  const { rows } = await client.query<{ path: string; limit: string }>(
    `SELECT current_setting('search_path') AS path, current_setting('statement_timeout') AS "limit"`,
  );
  if (rows[0]?.path !== `"${schema}"` || rows[0].limit === '0') throw new WithoutSettings();
}

/** Dropped, or refused, which PgBouncer says as a violation of the protocol. */
const isWithoutSettings = (error: unknown): boolean =>
  error instanceof WithoutSettings ||
  (error instanceof Error && /unsupported startup parameter/.test(error.message));

/** The client's types do not mention its stream, which only `destroy` frees at once. */
function socketOf(client: ClientBase): { destroy(): void } | undefined {
  return (client as unknown as { connection?: { stream?: { destroy(): void } } }).connection
    ?.stream;
}
