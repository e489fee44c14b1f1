import { parseArgs } from 'node:util';
import { createConnection } from 'mysql2/promise';
import { Client } from 'pg';
import sqlIn from '../adapters/sql/sql-in.ts';
import sqlOut from '../adapters/sql/sql-out.ts';
import type { Lent } from '../src/adapter/adapter.ts';
import type { Settings } from '../src/adapter/setting.ts';
import { print, table } from '../src/cli/output.ts';
import { inlineBody } from '../src/message/body.ts';
import type { Message, NewMessage, Receipt } from '../src/message/message.ts';
import {
  mariaDatabase,
  postgresDatabase,
  type SqlDatabase,
} from '../test/support/sql-databases.ts';
import { type Spent, stopwatch } from './beside/subject.ts';
import { lent } from './lent.ts';
import { median } from './median.ts';

/**
 * Rows per second with the adapter, compared with the driver alone and the same statements: nothing is stored in either,
 * so that this is the adapter's own cost.
 */
interface SqlRate {
  readonly what: string;
  /** Medians of the rounds. */
  readonly bare: number;
  readonly adapter: number;
  /** Median of the ratios in the same round. */
  readonly ratio: number;
  /** Medians, in microseconds of processor time for each row. */
  readonly costs: readonly number[];
}

const INSERT = 'INSERT INTO bench (body) VALUES ({body()})';
const TEXT = 'x'.repeat(200);
const AT_ONCE = 4;

/** Plain use of a driver: prepared statements with parameters. */
interface Bare {
  insert(text: string): Promise<unknown>;
  /** The rows above a number, up to a limit. */
  page(above: string, rows: number): Promise<readonly { readonly n: string }[]>;
  close(): Promise<unknown>;
}

async function bareOf({ product, port, options }: SqlDatabase): Promise<Bare> {
  const credential = options.credentials?.['clinic'];
  if (credential?.kind !== 'basic') throw new Error('no account');
  const { user, password } = credential;
  const where = { host: '127.0.0.1', port, user, password, database: 'clinic' };
  // as the adapter has them: the server ends what takes too long, and one that does not answer is noticed
  const limits = { statement_timeout: 30_000, query_timeout: 31_000 };
  if (product === 'mysql') {
    const connection = await createConnection({
      ...where,
      supportBigNumbers: true,
      bigNumberStrings: true,
    });
    return {
      insert: (text) => connection.execute('INSERT INTO bench (body) VALUES (?)', [text]),
      async page(above, rows) {
        const [found] = await connection.execute(
          `SELECT n, body FROM bench WHERE n > ? ORDER BY n LIMIT ${rows}`,
          [above],
        );
        return found as { n: string }[];
      },
      close: () => connection.end(),
    };
  }
  const client = new Client({ ...where, ...limits });
  await client.connect();
  return {
    insert: (text) =>
      client.query({ name: 'i', text: 'INSERT INTO bench (body) VALUES ($1)', values: [text] }),
    async page(above, rows) {
      const text = `SELECT n, body FROM bench WHERE n > $1 ORDER BY n LIMIT ${rows}`;
      return (await client.query<{ n: string }>({ name: 'p', text, values: [above] })).rows;
    },
    close: () => client.end(),
  };
}

/** Runs work for each number, a few in parallel. */
async function many(
  count: number,
  work: (number: number, lane: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const lanes = Array.from({ length: AT_ONCE }, async (_, lane) => {
    while (next < count) await work(next++, lane);
  });
  await Promise.all(lanes);
}

function ownLent<S extends Settings>(declared: S, database: SqlDatabase, given: object): Lent<S> {
  const credential = database.options.credentials?.['clinic'];
  if (credential === undefined) throw new Error('no account');
  return lent(
    declared,
    {
      ...database.given(),
      connect: `127.0.0.1:${database.port}`,
      security: 'none',
      tls: undefined,
      ...given,
    },
    { credential: () => Promise.resolve(credential) },
  );
}

const inserting = {
  async bare(database: SqlDatabase, rows: number) {
    const lines = await Promise.all(Array.from({ length: AT_ONCE }, () => bareOf(database)));
    const spent = stopwatch();
    await many(rows, async (_, lane) => await lines[lane]?.insert(TEXT));
    const took = spent();
    await Promise.all(lines.map((line) => line.close()));
    return took;
  },
  async adapter(database: SqlDatabase, rows: number) {
    const open = await sqlOut.open(ownLent(sqlOut.settings, database, { statements: INSERT }));
    const { signal } = new AbortController();
    const body = inlineBody(Buffer.from(TEXT));
    // connecting is not measured on either side
    await many(AT_ONCE, (id) => open.send({ id, body, type: 'text/plain' } as Message, signal));
    const spent = stopwatch();
    await many(rows, (id) => open.send({ id, body, type: 'text/plain' } as Message, signal));
    const took = spent();
    await open.close();
    return took;
  },
};

/** The store of both sides: it accepts everything at once. */
const kept = (_message: Pick<NewMessage, 'body' | 'dedupeKey'>): Promise<Receipt> =>
  Promise.resolve({ messageId: 1, sessionId: 1, status: 'stored' });

const reading = {
  async bare(database: SqlDatabase, rows: number) {
    const line = await bareOf(database);
    const spent = stopwatch();
    let seen = 0;
    for (let above = '0'; ; ) {
      const found = await line.page(above, 101);
      // a row is handed on like a message, and awaited, as the next one must not come before it
      for (const row of found) {
        await kept({ body: Buffer.from(JSON.stringify(row)), dedupeKey: row.n });
        seen += 1;
      }
      above = found.at(-1)?.n ?? above;
      if (found.length < 101) break;
    }
    const took = spent();
    if (seen !== rows) throw new Error(`${seen} of ${rows} rows`);
    await line.close();
    return took;
  },
  async adapter(database: SqlDatabase, rows: number) {
    const all = Promise.withResolvers<void>();
    let seen = 0;
    const own = ownLent(sqlIn.settings, database, { query: 'SELECT n, body FROM bench', key: 'n' });
    // Connecting is not measured on either side.
    let spent = stopwatch();
    const open = await sqlIn.open({
      ...own,
      deliver: (message) => {
        seen += 1;
        if (seen === 1) spent = stopwatch();
        if (seen === rows) all.resolve();
        return kept(message);
      },
      lost: all.reject,
      memory: { read: () => Promise.resolve(undefined), write: () => Promise.resolve() },
    });
    await all.promise;
    const took = spent();
    await open.close();
    return took;
  },
};

async function fill(database: SqlDatabase, rows: number): Promise<void> {
  const numbers =
    database.product === 'mysql' ? `seq_1_to_${rows * 4}` : `generate_series(1, ${rows * 4}) s`;
  await database.ask(`INSERT INTO bench (body) SELECT '${TEXT}' FROM ${numbers}`);
}

/** Measures both in every round, so that other work on the machine affects both. */
async function runSqlBench(
  database: SqlDatabase,
  rows: number,
  rounds: number,
): Promise<SqlRate[]> {
  const rates: SqlRate[] = [];
  for (const [what, side] of Object.entries({ inserting, reading })) {
    if (values.only !== undefined && values.only !== what) continue;
    const pairs: (readonly [number, number])[] = [];
    const costs: (readonly [number, number])[] = [];
    for (let round = 0; round <= rounds; round++) {
      const columns = database.product === 'mysql' ? 'BIGINT AUTO_INCREMENT' : 'BIGSERIAL';
      await database.ask(
        'DROP TABLE IF EXISTS bench',
        `CREATE TABLE bench (n ${columns} PRIMARY KEY, body TEXT)`,
      );
      if (side === reading) await fill(database, rows);
      const count = side === reading ? rows * 4 : rows;
      const bare = await side.bare(database, count);
      const adapter = await side.adapter(database, count);
      // the first round warms up
      if (round === 0) continue;
      const rate = ({ milliseconds }: Spent): number => (count * 1_000) / milliseconds;
      const cost = ({ processor = 0 }: Spent): number => (processor * 1_000) / count;
      pairs.push([rate(bare), rate(adapter)]);
      costs.push([cost(bare), cost(adapter)]);
    }
    rates.push({
      what: `${database.product}, ${what}`,
      bare: median(pairs.map(([bare]) => bare)),
      adapter: median(pairs.map(([, adapter]) => adapter)),
      ratio: median(pairs.map(([bare, adapter]) => adapter / bare)),
      costs: [median(costs.map(([bare]) => bare)), median(costs.map(([, adapter]) => adapter))],
    });
  }
  return rates;
}

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '5000' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string' },
  },
});
const rates: SqlRate[] = [];
for (const start of [postgresDatabase, mariaDatabase]) {
  await using database = await start();
  if (database === undefined) continue;
  rates.push(...(await runSqlBench(database, Number(values.rows), Number(values.rounds))));
}
print(
  table([
    ['', 'driver, rows/s', 'adapter', 'ratio', 'driver, µs', 'adapter, µs'],
    ...rates.map(({ what, bare, adapter, ratio, costs }) => [
      what,
      bare.toFixed(0),
      adapter.toFixed(0),
      ratio.toFixed(2),
      ...costs.map((one) => one.toFixed(1)),
    ]),
  ]),
);
