import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Found, MetaDatabase, MetaValue } from '../meta-database.ts';
import { APPENDED, ONLY_APPENDED } from '../tables.ts';

/** A file in the data folder, made if it is not there. */
export function sqliteDatabase(folder: string, file: string, tables: string): MetaDatabase {
  mkdirSync(folder, { recursive: true });
  const database = new DatabaseSync(join(folder, file), { timeout: 5_000 });
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  database.exec(tables);
  for (const table of APPENDED.filter((name) => tables.includes(`EXISTS ${name}(`))) {
    for (const act of ['UPDATE', 'DELETE']) {
      database.exec(
        `CREATE TRIGGER IF NOT EXISTS ${table}_${act === 'UPDATE' ? 'fixed' : 'kept'} BEFORE ${act} ON ${table}
           BEGIN SELECT RAISE(ABORT, '${ONLY_APPENDED}'); END`,
      );
    }
  }
  const statements = new Map<string, StatementSync>();
  const prepared = (sql: string): StatementSync => {
    const statement = statements.get(sql) ?? database.prepare(sql);
    statements.set(sql, statement);
    return statement;
  };
  const close = (): void => database.close();
  return {
    shared: false,
    get: <Row>(sql: string, ...values: readonly MetaValue[]): Found<Row> =>
      prepared(sql).get(...values) as Found<Row>,
    all: <Row>(sql: string, ...values: readonly MetaValue[]) =>
      prepared(sql).all(...values) as Row[],
    run: (sql, ...values) => Number(prepared(sql).run(...values).changes),
    transaction(work) {
      database.exec('BEGIN IMMEDIATE');
      try {
        const result = work();
        database.exec('COMMIT');
        return result;
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK');
        throw error;
      }
    },
    close,
    [Symbol.dispose]: close,
  };
}
