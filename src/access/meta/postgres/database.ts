import { codeOf, database, isUnreached, type PostgresSession } from '../../../database/postgres.ts';
import { EngineError, isEngineError } from '../../../error/engine-error.ts';
import type { MetaDatabase, MetaSession, MetaValue } from '../meta-database.ts';
import { APPENDED, ONLY_APPENDED } from '../tables.ts';

/** Milliseconds that a statement may take: each is small, and a person is waiting for it. */
const LIMIT = 5_000;

/** The tables in PostgreSQL, in a schema per production. */
export async function postgresDatabase(
  { url, production }: { readonly url: string; readonly production: string },
  name: 'meta' | 'audit',
): Promise<MetaDatabase> {
  const schema = `waybill_${production}_meta`;
  const pool = database({ url, schema, purpose: `operator ${name}`, connections: 4, limit: LIMIT });
  const close = (): Promise<void> => pool.close();
  const transaction: MetaDatabase['transaction'] = (work) =>
    pool.transaction((session) => work(asked(session)));
  try {
    await transaction((session) => session.run(`CREATE SCHEMA IF NOT EXISTS "${schema}"`));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    shared: true,
    ...asked(pool),
    transaction,
    written: statementsOf,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function asked(session: PostgresSession): MetaSession {
  const rows = <Row>(sql: string, values: readonly MetaValue[]): Promise<Row[]> =>
    session.rows<Row>(sql, ...values).catch(refused);
  return {
    get: async <Row>(sql: string, ...values: readonly MetaValue[]): Promise<Row | undefined> =>
      (await rows<Row>(sql, values))[0],
    all: <Row>(sql: string, ...values: readonly MetaValue[]) => rows<Row>(sql, values),
    run: (sql, ...values) => session.run(sql, ...values).catch(refused),
  };
}

/** An error text may quote what somebody typed, so only the database's error code is reported. */
function refused(error: unknown): never {
  if (isEngineError(error) || isUnreached(error)) throw error;
  throw new EngineError(
    'STORE_UNAVAILABLE',
    `the database of users, jobs and the audit log refused a statement (${codeOf(error) ?? 'no code'}): look at PostgreSQL and the URL of --trace`,
    { retryable: false },
  );
}

/** The tables in PostgreSQL's dialect. */
function statementsOf(tables: string): string[] {
  const written = tables
    .replaceAll(/ STRICT(?:, WITHOUT ROWID)?(?=;|$)/g, '')
    .replaceAll(' UNIQUE COLLATE NOCASE', '')
    .replaceAll(' COLLATE NOCASE', '')
    .replaceAll(/\bid INTEGER PRIMARY KEY/g, 'id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY')
    .replaceAll('INTEGER', 'bigint')
    .replaceAll('BLOB', 'bytea');
  const appended = APPENDED.flatMap((name) =>
    tables.includes(`EXISTS ${name}(`)
      ? [
          `CREATE OR REPLACE FUNCTION ${name}_kept() RETURNS trigger LANGUAGE plpgsql AS
       'BEGIN RAISE EXCEPTION ''${ONLY_APPENDED}''; END'`,
          `CREATE OR REPLACE TRIGGER ${name}_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON ${name}
       EXECUTE FUNCTION ${name}_kept()`,
        ]
      : [],
  );
  return [...written.split(';\n').filter((one) => one.trim() !== ''), ...appended];
}
