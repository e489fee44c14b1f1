import { createRequire } from 'node:module';

/**
 * The process in which an ODBC driver works for one session. The drivers are native code of many vendors: their calls
 * block a thread, of which Node has four for everything, and a fault in one ends its process.
 */

/** What the package returns, or takes as a parameter. */
export type OdbcValue = string | number | bigint | boolean | ArrayBuffer | Uint8Array | null;

export interface OdbcColumn {
  readonly name: string;
  /** The number of the SQL type. */
  readonly dataType: number;
  readonly columnSize: number;
  readonly decimalDigits: number;
}

export interface OdbcDiagnostic {
  readonly state: string;
  readonly code: number;
  readonly message: string;
}

export type OdbcWork =
  | { readonly what: 'connect'; readonly text: string; readonly seconds: number }
  | {
      readonly what: 'run';
      readonly text: string;
      readonly values: readonly OdbcValue[];
      readonly rows: number;
      readonly bytes: number;
    }
  | { readonly what: 'prepare'; readonly text: string }
  | { readonly what: 'begin' | 'commit' | 'rollback' | 'cancel' };

export type OdbcOrder = readonly [number: number, work: OdbcWork];

export interface OdbcResult {
  readonly columns: readonly OdbcColumn[];
  readonly rows: readonly (readonly OdbcValue[])[];
  readonly more: boolean;
  readonly count: number;
}

export interface OdbcFailure {
  readonly diagnostics: readonly OdbcDiagnostic[];
  /** Whether the driver still has its connection. */
  readonly connected: boolean;
}

export type OdbcAnswer = readonly [number: number, result: OdbcResult | OdbcFailure];

/** The part of the package that is used; its own types lack some of it. */
interface Odbc {
  connect(options: {
    readonly connectionString: string;
    readonly loginTimeout: number;
    readonly fetchArray: true;
  }): Promise<Connection>;
  readonly SQL_TXN_REPEATABLE_READ: number;
  readonly SQL_TXN_SERIALIZABLE: number;
}

type Rows = (readonly OdbcValue[])[] & {
  readonly count: number;
  readonly columns: readonly OdbcColumn[];
};

interface Connection {
  readonly connected: boolean;
  query(text: string, values: readonly OdbcValue[]): Promise<Rows>;
  query(
    text: string,
    values: readonly OdbcValue[],
    options: { readonly cursor: true; readonly fetchSize: number },
  ): Promise<Cursor>;
  createStatement(): Promise<{ prepare(text: string): Promise<void>; close(): Promise<void> }>;
  setIsolationLevel(level: number): Promise<void>;
  beginTransaction(): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  cancel(): Promise<void>;
  close(): Promise<void>;
}

interface Cursor {
  readonly noData: boolean;
  fetch(): Promise<Rows>;
  close(): Promise<void>;
}

/** Rows are fetched so many at a time: the package reserves four bytes for each possible character of each. */
const FETCHED = 20;

const NOTHING: OdbcResult = { columns: [], rows: [], more: false, count: 0 };

let connection: Connection | undefined;

async function carryOut(work: OdbcWork): Promise<OdbcResult> {
  if (work.what === 'connect') {
    await connect(work.text, work.seconds);
    return NOTHING;
  }
  if (connection === undefined) throw new Error('not connected');
  switch (work.what) {
    case 'run':
      return await (isQuery(work.text) ? rowsOf(connection, work) : changed(connection, work));
    case 'prepare':
      return await prepare(connection, work.text);
    case 'begin':
      await connection.beginTransaction();
      return NOTHING;
    case 'commit':
      await connection.commit();
      return NOTHING;
    case 'rollback':
      await connection.rollback();
      return NOTHING;
    case 'cancel':
      await connection.cancel();
  }
  return NOTHING;
}

async function connect(connectionString: string, loginTimeout: number): Promise<void> {
  const odbc = createRequire(import.meta.url)('odbc') as Odbc;
  connection = await odbc.connect({ connectionString, loginTimeout, fetchArray: true });
  for (const level of [odbc.SQL_TXN_REPEATABLE_READ, odbc.SQL_TXN_SERIALIZABLE]) {
    const isSet = await connection.setIsolationLevel(level).then(
      () => true,
      // then rows are locked only if the query says so
      () => false,
    );
    if (isSet) return;
  }
}

/** Only a query can be read row by row: the package tells nothing of how many rows a statement with a cursor changed. */
const isQuery = (text: string): boolean =>
  /^\s*(?:select|values|table|with)\b/i.test(text) &&
  !/^\s*with\b[^]*\b(?:insert|update|delete|merge)\b/i.test(text);

async function rowsOf(
  from: Connection,
  { text, values, ...limit }: Extract<OdbcWork, { what: 'run' }>,
): Promise<OdbcResult> {
  const cursor = await from.query(text, values, { cursor: true, fetchSize: FETCHED });
  const kept = new Kept(limit);
  let columns: readonly OdbcColumn[] = [];
  try {
    while (!kept.more && !cursor.noData) {
      const fetched = await cursor.fetch();
      ({ columns } = fetched);
      for (const row of fetched) kept.add(row);
    }
  } finally {
    await cursor.close();
  }
  const { rows, more } = kept;
  return { columns: columns.map(plain), rows, more, count: rows.length };
}

/** Rows as far as they fit; a first one always does. */
class Kept {
  readonly rows: (readonly OdbcValue[])[] = [];
  more = false;
  readonly #limit: { readonly rows: number; readonly bytes: number };
  #bytes = 0;

  constructor(limit: { readonly rows: number; readonly bytes: number }) {
    this.#limit = limit;
  }

  add(row: readonly OdbcValue[]): void {
    this.#bytes += weightOf(row);
    const { rows, bytes } = this.#limit;
    this.more ||= this.rows.length >= rows || (this.#bytes > bytes && this.rows.length > 0);
    if (!this.more) this.rows.push([...row]);
  }
}

async function changed(
  by: Connection,
  { text, values, rows: most }: Extract<OdbcWork, { what: 'run' }>,
): Promise<OdbcResult> {
  const found = await by.query(text, values);
  const rows = found.slice(0, most).map((row) => [...row]);
  const columns = found.columns.map(plain);
  const count = columns.length > 0 ? found.length : Math.max(0, found.count);
  return { columns, rows, more: found.length > most, count };
}

async function prepare(by: Connection, text: string): Promise<OdbcResult> {
  const statement = await by.createStatement();
  try {
    await statement.prepare(text);
  } finally {
    await statement.close();
  }
  return NOTHING;
}

const plain = ({ name, dataType, columnSize, decimalDigits }: OdbcColumn): OdbcColumn => ({
  name,
  dataType,
  columnSize,
  decimalDigits,
});

const weightOf = (row: readonly OdbcValue[]): number =>
  row.reduce<number>((sum, value) => sum + sizeOf(value), 0);

function sizeOf(value: OdbcValue): number {
  if (typeof value === 'string') return value.length;
  return value instanceof ArrayBuffer ? value.byteLength : 8;
}

async function answerTo([number, work]: OdbcOrder): Promise<OdbcAnswer> {
  try {
    return [number, await carryOut(work)];
  } catch (error) {
    const { odbcErrors = [], message = '' } = error as {
      odbcErrors?: readonly OdbcDiagnostic[];
      message?: string;
    };
    const diagnostics = odbcErrors.length > 0 ? odbcErrors : [{ state: '', code: 0, message }];
    return [number, { diagnostics, connected: connection?.connected ?? false }];
  }
}

process.on('message', (order: OdbcOrder) => {
  // oxlint-disable-next-line typescript/no-floating-promises -- it never rejects
  void answerTo(order).then((answer) => process.send?.(answer));
});
// the session or its parent process has ended; what is open is rolled back by the server
process.on('disconnect', () => process.exit());
