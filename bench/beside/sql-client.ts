import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createConnection } from 'mysql2/promise';
import { Client } from 'pg';
import { Connection, ISOLATION_LEVEL, Request, TYPES } from 'tedious';
import type { SqlDatabase } from '../../test/support/sql-databases.ts';

/** What is needed of a database. */
export type BenchDatabase = AsyncDisposable &
  Pick<SqlDatabase, 'product' | 'port' | 'given' | 'options' | 'ask'>;

/** A row as the driver gives it. */
export type BareRow = Readonly<Record<string, unknown>>;

/** Plain use of a driver: statements with parameters, each prepared once and with a time limit. */
export interface BareClient {
  /** With `?` where a value stands. */
  run(text: string, values?: readonly (string | number)[]): Promise<readonly BareRow[]>;
  close(): Promise<unknown>;
}

/** A function that calls back as a promise. */
const called = (work: (done: (error?: Error | null) => void) => void): Promise<void> =>
  new Promise((resolve, reject) => {
    work((error) => (error === undefined || error === null ? resolve() : reject(error)));
  });

/** The part of `oracledb` that is used: its types are a package of their own. */
interface Oracle {
  readonly OUT_FORMAT_OBJECT: number;
  getConnection(options: object): Promise<{
    callTimeout: number;
    execute(
      text: string,
      values: readonly (string | number)[],
      options: object,
    ): Promise<{ rows?: readonly BareRow[] }>;
    commit(): Promise<void>;
    close(): Promise<void>;
  }>;
}

/** Milliseconds: as the adapter has them, the server ends what takes too long, and one that does not answer is noticed. */
const LIMITS = { statement_timeout: 30_000, query_timeout: 31_000 };

export function bareClient(database: BenchDatabase): Promise<BareClient> {
  return CLIENTS[database.product](database);
}

function where({ port, options }: BenchDatabase) {
  const credential = options.credentials?.['clinic'];
  if (credential?.kind !== 'basic') throw new Error('no account');
  const { user, password } = credential;
  return { host: '127.0.0.1', port, user, password, database: 'clinic' };
}

const CLIENTS = {
  async postgresql(database: BenchDatabase): Promise<BareClient> {
    const client = new Client({ ...where(database), ...LIMITS });
    await client.connect();
    const named = new Map<string, { readonly name: string; readonly text: string }>();
    const of = (text: string) => {
      let count = 0;
      const made = { name: `s${named.size}`, text: text.replaceAll('?', () => `$${++count}`) };
      named.set(text, made);
      return made;
    };
    return {
      async run(text, values = []) {
        return (await client.query({ ...(named.get(text) ?? of(text)), values: [...values] })).rows;
      },
      close: () => client.end(),
    };
  },
  async mysql(database: BenchDatabase): Promise<BareClient> {
    const connection = await createConnection({
      ...where(database),
      supportBigNumbers: true,
      bigNumberStrings: true,
    });
    await connection.query(
      `SET time_zone = '+00:00', max_statement_time = ${LIMITS.statement_timeout / 1_000}`,
    );
    return {
      async run(sql, values) {
        if (values === undefined) return (await connection.query(sql))[0] as BareRow[];
        const one = { sql, timeout: LIMITS.query_timeout, values: [...values] };
        return (await connection.execute(one))[0] as BareRow[];
      },
      close: () => connection.end(),
    };
  },
  async sqlserver(database: BenchDatabase): Promise<BareClient> {
    const { host, port, user, password } = where(database);
    const connection = new Connection({
      server: host,
      authentication: { type: 'default', options: { userName: user, password } },
      options: {
        port,
        database: 'clinic',
        encrypt: false,
        trustServerCertificate: true,
        requestTimeout: LIMITS.statement_timeout,
      },
    });
    await called((done) => connection.connect(done));
    const run = async (text: string, values: readonly (string | number)[]): Promise<BareRow[]> => {
      let count = 0;
      const rows: BareRow[] = [];
      await called((done) => {
        const request = new Request(
          text.replaceAll('?', () => `@p${++count}`),
          done,
        );
        for (const [index, value] of values.entries())
          request.addParameter(`p${index + 1}`, TYPES.NVarChar, value);
        request.on('row', (columns: { metadata: { colName: string }; value: unknown }[]) => {
          rows.push(
            Object.fromEntries(columns.map(({ metadata, value }) => [metadata.colName, value])),
          );
        });
        connection.execSql(request);
      });
      return rows;
    };
    const level = ISOLATION_LEVEL['REPEATABLE_READ'];
    return {
      async run(text, values = []) {
        if (text !== 'BEGIN' && text !== 'COMMIT') return await run(text, values);
        await called((done) =>
          text === 'BEGIN'
            ? connection.beginTransaction(done, '', level)
            : connection.commitTransaction(done),
        );
        return [];
      },
      async close() {
        const ended = once(connection, 'end');
        connection.close();
        await ended;
      },
    };
  },
  async oracle(database: BenchDatabase): Promise<BareClient> {
    const { host, port, user, password } = where(database);
    const driver = createRequire(import.meta.url)('oracledb') as Oracle;
    const connection = await driver.getConnection({
      user,
      password,
      connectString: `${host}:${port}/clinic`,
    });
    connection.callTimeout = LIMITS.statement_timeout;
    let isOpen = false;
    return {
      async run(text, values = []) {
        if (text === 'COMMIT') {
          isOpen = false;
          await connection.commit();
          return [];
        }
        isOpen ||= text.startsWith('SET TRANSACTION');
        let count = 0;
        const { rows } = await connection.execute(
          text.replaceAll('?', () => `:${++count}`),
          [...values],
          { autoCommit: !isOpen, outFormat: driver.OUT_FORMAT_OBJECT, fetchArraySize: 100 },
        );
        return rows ?? [];
      },
      close: () => connection.close(),
    };
  },
  sqlite: async (database: BenchDatabase): Promise<BareClient> =>
    inProcess('sqlite', String(database.given()['file'])),
  odbc: async (database: BenchDatabase): Promise<BareClient> => {
    const { user, password } = where(database);
    return inProcess('odbc', `${String(database.given()['odbc'])};UID=${user};PWD=${password}`);
  },
};

/** In a process of its own, which is ended with a statement that takes too long. */
function inProcess(driver: 'sqlite' | 'odbc', opening: string): BareClient {
  const child = fork(new URL(`./${driver}-child.ts`, import.meta.url), [opening], {
    serialization: 'advanced',
    execArgv: ['--no-warnings'],
    stdio: 'ignore',
  });
  const waiting = new Map<number, PromiseWithResolvers<readonly BareRow[]>>();
  child.on('message', ({ number, rows }: { number: number; rows: readonly BareRow[] }) =>
    waiting.get(number)?.resolve(rows),
  );
  child.on('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error(`the process of ${driver} ended`));
  });
  let count = 0;
  return {
    async run(text, values = []) {
      const number = ++count;
      const one = Promise.withResolvers<readonly BareRow[]>();
      waiting.set(number, one);
      const late = setTimeout(() => child.kill('SIGKILL'), LIMITS.statement_timeout);
      child.send({ number, text, values });
      try {
        return await one.promise;
      } finally {
        clearTimeout(late);
        waiting.delete(number);
      }
    },
    async close() {
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
}
