import sqlIn from '../../adapters/sql/sql-in.ts';
import sqlLookup from '../../adapters/sql/sql-lookup.ts';
import sqlOut from '../../adapters/sql/sql-out.ts';
import { background } from '../../src/error/background.ts';
import { odbcDatabase } from '../../test/support/odbc-database.ts';
import { mariaDatabase, postgresDatabase } from '../../test/support/sql-databases.ts';
import { sqliteDatabase } from '../../test/support/sqlite-database.ts';
import { oracleApart, sqlServerApart } from './sql-apart.ts';
import { type BareClient, type BareRow, type BenchDatabase, bareClient } from './sql-client.ts';
import {
  kept,
  lentTo,
  loadings,
  type Spent,
  type Subject,
  type Subjects,
  sender,
  Taken,
  taking,
  timed,
} from './subject.ts';

const TEXT = 'x'.repeat(200);
/** Connections of sql-out, and of the bare client beside it. */
const LINES = 4;
/** Rows of a page, and of a transaction: the default of the adapter. */
const PAGE = 100;
/** Rows of a code table. */
const ROWS = 5_000;
/** Milliseconds between two times that the position is saved. */
const NOTE_EVERY = 200;

/** What is done with a row that was stored, where it has no key that increases. */
const AFTER = {
  marking: 'UPDATE bench SET sent = 1 WHERE n = ',
  deleting: 'DELETE FROM bench WHERE n = ',
} as const;

const unmarked = ({ product }: BenchDatabase): string =>
  `SELECT n, body FROM bench WHERE sent = 0 ORDER BY n ${limited(product, PAGE)}${product === 'mysql' ? ' FOR UPDATE SKIP LOCKED' : ''}`;

const limited = (product: BenchDatabase['product'], rows: number): string =>
  LIMITED[product]?.(rows) ?? `LIMIT ${rows}`;

const LIMITED: Readonly<Partial<Record<BenchDatabase['product'], (rows: number) => string>>> = {
  sqlserver: (rows) => `OFFSET 0 ROWS FETCH NEXT ${rows} ROWS ONLY`,
  oracle: (rows) => `FETCH FIRST ${rows} ROWS ONLY`,
};

/** PostgreSQL, MariaDB, SQLite, an ODBC driver, and peers that speak as SQL Server and Oracle, each beside its client. */
export async function sqlSubjects(): Promise<Subjects> {
  await using undo = new AsyncDisposableStack();
  const subjects: Subject[] = [];
  for (const start of [
    postgresDatabase,
    mariaDatabase,
    sqliteDatabase,
    odbcDatabase,
    sqlServerApart,
    oracleApart,
  ]) {
    const database = await start();
    if (database === undefined) continue;
    undo.use(database);
    subjects.push(...(await subjectsOf(database, undo)));
  }
  const opened = undo.move();
  return { subjects, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

const KEY: Readonly<Partial<Record<BenchDatabase['product'], string>>> = {
  mysql: 'BIGINT AUTO_INCREMENT',
  sqlite: 'INTEGER',
  sqlserver: 'INTEGER',
  oracle: 'INTEGER',
};

/** As many numbers. */
const SERIES: Readonly<Partial<Record<BenchDatabase['product'], (rows: number) => string>>> = {
  mysql: (rows) => `seq_1_to_${rows}`,
  sqlite: (rows) => recursive(rows),
  sqlserver: (rows) => recursive(rows),
  oracle: (rows) => recursive(rows),
};

const recursive = (rows: number): string =>
  `(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < ${rows}) SELECT n FROM s)`;

async function subjectsOf(database: BenchDatabase, undo: AsyncDisposableStack): Promise<Subject[]> {
  const { product } = database;
  await database.ask(
    `CREATE TABLE bench (n ${KEY[product] ?? 'BIGSERIAL'} PRIMARY KEY, body TEXT, sent SMALLINT DEFAULT 0)`,
  );
  return [await writing(database, undo), ...reading(database), table(database)];
}

/** What the adapter is given: no TLS where the bare client has none. */
function givenBy(database: BenchDatabase) {
  const inClear = {
    connect: `127.0.0.1:${database.port}`,
    security: 'none',
    tls: undefined,
  };
  const isServer = ['postgresql', 'mysql', 'sqlserver', 'oracle'].includes(database.product);
  const account = database.options.credentials?.['clinic'];
  return {
    at: { ...database.given(), ...(isServer && inClear) },
    credential: account ?? ({ kind: 'basic', user: '', password: '' } as const),
  };
}

async function writing(database: BenchDatabase, undo: AsyncDisposableStack): Promise<Subject> {
  const { at, credential } = givenBy(database);
  const lines = await Promise.all(Array.from({ length: LINES }, () => bareClient(database)));
  undo.defer(async () => void (await Promise.all(lines.map((line) => line.close()))));
  const statements = 'INSERT INTO bench (body) VALUES ({body()})';
  const out = await sender(sqlOut, { ...at, statements }, credential);
  undo.defer(() => out.close());
  const { signal } = new AbortController();
  const insert = async (): Promise<void> => {
    const line = lines.pop();
    if (line === undefined) throw new Error('more at once than there are connections');
    // a message may be given up, and then its connection is ended
    const giveUp = (): void => background(line.close(), 'giving up a statement');
    signal.throwIfAborted();
    signal.addEventListener('abort', giveUp);
    try {
      await line.run('INSERT INTO bench (body) VALUES (?)', [TEXT]);
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
    lines.push(line);
  };
  const body = Buffer.from(TEXT);
  return {
    what: `${database.product}: sql-out`,
    prepare: async () => void (await database.ask('DELETE FROM bench')),
    bare: (messages) => timed(messages, insert, LINES),
    adapter: (messages) => timed(messages, () => out.send(body, { type: 'text/plain' }), LINES),
  };
}

/** A whole table, each time over a connection of its own. */
function table(database: BenchDatabase): Subject {
  const { product } = database;
  const { at, credential } = givenBy(database);
  const query = 'SELECT n, body FROM bench';
  const given = lentTo(sqlLookup.settings, { ...at, query }, credential);
  return {
    what: `${product}: sql-lookup, rows`,
    prepare: () => filled(database, ROWS),
    bare: (messages) =>
      loadings(messages, ROWS, async () => {
        const client = await bareClient(database);
        const rows = await client.run(query, []);
        await client.close();
        return new Map(rows.map((row) => [String(row['n']), String(row['body'])])).size;
      }),
    adapter: (messages) => loadings(messages, ROWS, async () => (await sqlLookup.load(given)).size),
  };
}

async function filled(database: BenchDatabase, rows: number): Promise<void> {
  const series = SERIES[database.product]?.(rows) ?? `generate_series(1, ${rows}) s`;
  await database.ask(
    'DELETE FROM bench',
    `INSERT INTO bench (body) SELECT '${TEXT}' FROM ${series}`,
  );
}

function reading(database: BenchDatabase): Subject[] {
  const { product } = database;
  const { at, credential } = givenBy(database);
  const prepare = (rows: number): Promise<void> => filled(database, rows);
  const taken = (given: object, messages: number): Promise<Spent> =>
    taking(sqlIn, { ...at, ...given }, { credential, messages });
  /** A connection of its own, and a process where there is one, which begins without compiled code: as the adapter. */
  const alone = async (work: (client: BareClient) => Promise<Spent>): Promise<Spent> => {
    const client = await bareClient(database);
    try {
      return await work(client);
    } finally {
      await client.close();
    }
  };
  return [
    {
      what: `${product}: sql-in by a key`,
      prepare,
      bare: (messages) => alone((client) => byKey(client, product, messages)),
      adapter: (messages) => taken({ query: 'SELECT n, body FROM bench', key: 'n' }, messages),
    },
    ...Object.entries(AFTER).map(
      ([how, after]): Subject => ({
        what: `${product}: sql-in ${how}`,
        prepare,
        bare: (messages) =>
          alone((client) => inTransactions(client, { database, after, messages })),
        adapter: (messages) => taken({ query: unmarked(database), after: `${after}{n}` }, messages),
      }),
    ),
  ];
}

/** A row is handed on like a message, and awaited, as the next one must not come before it. */
const stored = (row: BareRow, dedupeKey: string): Promise<unknown> =>
  kept({ body: Buffer.from(JSON.stringify(row, exact)), dedupeKey });

const exact = (_: string, value: unknown): unknown =>
  typeof value === 'bigint' ? String(value) : value;

/** By an increasing key, of which it is saved now and then how far it was stored. */
async function byKey(
  client: BareClient,
  product: BenchDatabase['product'],
  messages: number,
): Promise<Spent> {
  const taken = new Taken(messages);
  let noted = performance.now();
  let above = '0';
  for (;;) {
    const found = await client.run(
      `SELECT n, body FROM bench WHERE n > ? ORDER BY n ${limited(product, PAGE + 1)}`,
      [above],
    );
    for (const row of found) {
      above = String(row['n']);
      taken.one();
      await stored(row, above);
      if (performance.now() - noted < NOTE_EVERY) continue;
      await saved({ above });
      noted = performance.now();
    }
    if (found.length <= PAGE) return await taken.spent;
  }
}

/** What a memory does that is written at once. */
const saved = (what: object): Promise<string> => Promise.resolve(JSON.stringify(what));

/** Rows are read and marked in one transaction, and which were stored is saved before it ends: it may fail. */
async function inTransactions(
  client: BareClient,
  {
    database,
    after,
    messages,
  }: { readonly database: BenchDatabase; readonly after: string; readonly messages: number },
): Promise<Spent> {
  const taken = new Taken(messages);
  for (let round = 0; ; round++) {
    await client.run(BEGIN[database.product]);
    const found = await client.run(unmarked(database), []);
    for (const row of found) {
      taken.one();
      await stored(row, `${round} ${String(row['n'])}`);
      await client.run(`${after}?`, [String(row['n'])]);
    }
    await saved({ round, delivered: found.map(({ n }) => String(n)) });
    await client.run('COMMIT');
    await saved({ round: round + 1, delivered: [] });
    if (found.length === 0) return await taken.spent;
  }
}

const BEGIN = {
  postgresql: 'BEGIN ISOLATION LEVEL REPEATABLE READ',
  mysql: 'BEGIN',
  sqlserver: 'BEGIN',
  oracle: 'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE',
  sqlite: 'BEGIN IMMEDIATE',
  odbc: 'BEGIN ISOLATION LEVEL REPEATABLE READ',
} as const;
