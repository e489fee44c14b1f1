import {
  type ClientBase,
  Pool,
  type PoolClient,
  type PoolConfig,
  type QueryConfig,
  type QueryResult,
} from 'pg';

/** What each statement runs under. */
export interface StatementSettings {
  /** The only schema that is seen. */
  readonly schema: string;
  /** Milliseconds that a statement may take. */
  readonly limit: number;
}

export interface PostgresPool {
  /** Runs one statement. */
  query(query: QueryConfig): Promise<QueryResult>;
  /** A connection for a transaction. */
  connect(): Promise<PostgresConnection>;
  close(): Promise<void>;
}

export interface PostgresConnection {
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
export function postgresPool(config: PoolConfig, settings: StatementSettings): PostgresPool {
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
