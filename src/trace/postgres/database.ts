import { Pool, type QueryConfig, type QueryResult, TypeOverrides } from 'pg';

/** A value of a statement; arrays are for `unnest` and `ANY`. */
export type SqlValue = string | number | boolean | null | Uint8Array | readonly SqlValue[];

/** Asks on some connection; places of values are written `?`. */
export interface Session {
  rows<Row>(sql: string, ...values: readonly SqlValue[]): Promise<Row[]>;
  /** Returns how many rows changed. */
  run(sql: string, ...values: readonly SqlValue[]): Promise<number>;
}

export interface Database extends Session {
  /**
   * Runs `work` in one transaction, one at a time over all operator planes: what it reads before it writes
   * stays true.
   */
  transaction<Result>(work: (session: Session) => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
}

const INT8 = 20;

/** Opens a pool whose connections look into the schema alone. */
export function database(url: string, schema: string): Database {
  const types = new TypeOverrides();
  // every number of the trace is a safe integer
  types.setTypeParser(INT8, Number);
  const pool = new Pool({
    connectionString: url,
    max: 6,
    application_name: 'waybill trace',
    options: `-c search_path="${schema}" -c jit=off`,
    connectionTimeoutMillis: 5_000,
    types,
  });
  // a connection that breaks while it is idle is replaced by the pool
  pool.on('error', () => undefined);
  return {
    ...session((query) => pool.query(query)),
    async transaction(work) {
      const client = await pool.connect();
      try {
        await client.query('BEGIN');
        await client.query('SELECT pg_advisory_xact_lock(hashtext($1))', [`waybill ${schema}`]);
        const result = await work(session((query) => client.query(query)));
        await client.query('COMMIT');
        client.release();
        return result;
      } catch (error) {
        const undone = await client.query('ROLLBACK').catch(() => undefined);
        // a connection that could not even roll back is of no further use
        client.release(undone === undefined);
        throw error;
      }
    },
    close: () => pool.end(),
  };
}

/** Statements that the server keeps planned: with a partition a day, planning takes longer than reading. */
const PLANNED = 300;
const statementNames = new Map<string, string>();

function nameOf(text: string): string | undefined {
  const known = statementNames.get(text);
  if (known !== undefined || statementNames.size >= PLANNED) return known;
  const name = `s${statementNames.size}`;
  statementNames.set(text, name);
  return name;
}

function session(ask: (query: QueryConfig) => Promise<QueryResult>): Session {
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

/** `?` as PostgreSQL numbers its places. */
function numbered(sql: string): string {
  let place = 0;
  return sql.replaceAll('?', () => `$${++place}`);
}

/** A text of PostgreSQL holds no NUL and only whole characters; the text of a peer may. */
function storable(value: SqlValue): unknown {
  if (typeof value === 'string') return value.replaceAll('\0', '\uFFFD').toWellFormed();
  if (Array.isArray(value)) return value.map(storable);
  return value;
}
