import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { EngineError } from '../../../error/engine-error.ts';
import type { Found, MetaDatabase, MetaValue } from '../meta-database.ts';
import { APPENDED, ONLY_APPENDED } from '../tables.ts';
import type { QueryAnswer, QueryOrder } from './query-worker.ts';

/** Milliseconds until a database that says nothing is given up; the worker itself gives up before. */
const PATIENCE = 15_000;

/**
 * Asks PostgreSQL and waits for the answer: a thread of its own has the connection, and this one sleeps
 * until it has answered. See `MetaDatabase` for why.
 */
export function postgresDatabase(
  { url, production }: { readonly url: string; readonly production: string },
  tables: string,
): MetaDatabase {
  const schema = `waybill_${production}_meta`;
  const query = asker(url, schema);
  const rows = (sql: string, values: readonly MetaValue[]): Record<string, MetaValue>[] =>
    query(numbered(sql), values).rows;
  const run = (sql: string, ...values: readonly MetaValue[]): number =>
    query(numbered(sql), values).count;
  const transaction = <Result>(work: () => Result): Result => {
    run('BEGIN');
    try {
      run('SELECT pg_advisory_xact_lock(hashtext(?))', schema);
      const result = work();
      run('COMMIT');
      return result;
    } catch (error) {
      try {
        run('ROLLBACK');
      } catch {
        // with its connection the transaction is gone as well
      }
      throw error;
    }
  };
  try {
    transaction(() => {
      run(`CREATE SCHEMA IF NOT EXISTS "${schema}"`);
      for (const statement of statementsOf(tables)) run(statement);
    });
  } catch (error) {
    query.close();
    throw error;
  }
  return {
    shared: true,
    get: <Row>(sql: string, ...values: readonly MetaValue[]): Found<Row> =>
      rows(sql, values)[0] as Found<Row>,
    all: <Row>(sql: string, ...values: readonly MetaValue[]) => rows(sql, values) as Row[],
    run,
    transaction,
    close: () => query.close(),
    [Symbol.dispose]: () => query.close(),
  };
}

interface Asker {
  (text: string, values: readonly MetaValue[]): Extract<QueryAnswer, { rows: unknown }>;
  close(): void;
}

function asker(url: string, schema: string): Asker {
  const { port1: port, port2 } = new MessageChannel();
  const signal = new Int32Array(new SharedArrayBuffer(4));
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const worker = new Worker(new URL(`./query-worker.${extension}`, import.meta.url), {
    workerData: { url, schema, port: port2, signal },
    transferList: [port2],
  });
  worker.unref();
  let count = 0;
  const ask = (text: string, values: readonly MetaValue[]): ReturnType<Asker> => {
    const id = ++count;
    port.postMessage({ id, text, values } satisfies QueryOrder);
    for (const end = Date.now() + PATIENCE; ; ) {
      const answer = receiveMessageOnPort(port)?.message as QueryAnswer | undefined;
      if (answer?.id === id) {
        if ('rows' in answer) return answer;
        throw unavailable(answer.code, answer.lost);
      }
      // an answer to a question that was given up is left aside
      if (answer !== undefined) continue;
      const seen = Atomics.load(signal, 0);
      const waited = seen === id ? 'ok' : Atomics.wait(signal, 0, seen, end - Date.now());
      if (waited === 'timed-out' || Date.now() > end) throw unavailable('no answer', true);
    }
  };
  const close = (): void => {
    port.close();
    void worker.terminate();
  };
  return Object.assign(ask, { close });
}

/** A statement's text may quote what somebody typed, so only the database's code is told. */
function unavailable(code: string, lost: boolean): EngineError {
  return new EngineError(
    'STORE_UNAVAILABLE',
    `the database of users, jobs and the audit log ${lost ? 'is not reached' : 'refused a statement'} (${code}): look at PostgreSQL and the URL of --trace`,
    { retryable: lost },
  );
}

/** `?` as PostgreSQL numbers its places. */
function numbered(sql: string): string {
  let place = 0;
  return sql.replaceAll('?', () => `$${++place}`);
}

/** The tables in PostgreSQL's words. */
function statementsOf(tables: string): string[] {
  const written = tables
    .replaceAll(/ STRICT(?:, WITHOUT ROWID)?;/g, ';')
    .replaceAll(' UNIQUE COLLATE NOCASE', '')
    .replaceAll(' COLLATE NOCASE', '')
    .replaceAll(/\bid INTEGER PRIMARY KEY/g, 'id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY')
    .replaceAll('INTEGER', 'bigint')
    .replaceAll('BLOB', 'bytea');
  const appended = APPENDED.filter((name) => tables.includes(`EXISTS ${name}(`)).flatMap((name) => [
    `CREATE OR REPLACE FUNCTION ${name}_kept() RETURNS trigger LANGUAGE plpgsql AS
       'BEGIN RAISE EXCEPTION ''${ONLY_APPENDED}''; END'`,
    `CREATE OR REPLACE TRIGGER ${name}_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON ${name}
       EXECUTE FUNCTION ${name}_kept()`,
  ]);
  return [...written.split(';\n').filter((one) => one.trim() !== ''), ...appended];
}
