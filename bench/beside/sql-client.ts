import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createConnection } from 'mysql2/promise';
import { Client } from 'pg';
import type { SqlDatabase } from '../../test/support/sql-databases.ts';

/** A row as the driver gives it. */
export type BareRow = Readonly<Record<string, unknown>>;

/** Plain use of a driver: statements with parameters, each prepared once and with a time limit. */
export interface BareClient {
  /** With `?` where a value stands. */
  run(text: string, values?: readonly (string | number)[]): Promise<readonly BareRow[]>;
  close(): Promise<unknown>;
}

/** Milliseconds: as the adapter has them, the server ends what takes too long, and one that does not answer is noticed. */
const LIMITS = { statement_timeout: 30_000, query_timeout: 31_000 };

export function bareClient(database: SqlDatabase): Promise<BareClient> {
  return CLIENTS[database.product as keyof typeof CLIENTS](database);
}

function where({ port, options }: SqlDatabase) {
  const credential = options.credentials?.['clinic'];
  if (credential?.kind !== 'basic') throw new Error('no account');
  const { user, password } = credential;
  return { host: '127.0.0.1', port, user, password, database: 'clinic' };
}

const CLIENTS = {
  async postgresql(database: SqlDatabase): Promise<BareClient> {
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
  async mysql(database: SqlDatabase): Promise<BareClient> {
    const connection = await createConnection({
      ...where(database),
      supportBigNumbers: true,
      bigNumberStrings: true,
    });
    return {
      async run(sql, values) {
        if (values === undefined) return (await connection.query(sql))[0] as BareRow[];
        const one = { sql, timeout: LIMITS.query_timeout, values: [...values] };
        return (await connection.execute(one))[0] as BareRow[];
      },
      close: () => connection.end(),
    };
  },
  sqlite: async (database: SqlDatabase): Promise<BareClient> =>
    inProcess('sqlite', String(database.given()['file'])),
  odbc: async (database: SqlDatabase): Promise<BareClient> => {
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
