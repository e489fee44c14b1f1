import { postgresDatabase } from './postgres/database.ts';
import { sqliteDatabase } from './sqlite/database.ts';
import { AUDIT_TABLES, META_TABLES } from './tables.ts';
import { upgrade } from './upgrade.ts';

export type MetaValue = string | number | null | Uint8Array;

/**
 * The small database of what people need beside the trace: users, sessions, tokens, searches, jobs,
 * alerts, the audit log. In SQLite, or in PostgreSQL where several operator planes share it.
 *
 * It answers on the calling thread: what is read and then written is never interleaved with another
 * request, on which the sign-in relies. That costs a fraction of a millisecond a question, and PostgreSQL is
 * asked by a thread of its own. Statements are written in what both understand; places of values are `?`.
 */
export interface MetaDatabase extends Disposable {
  /** Whether other operator planes may use it too. */
  readonly shared: boolean;
  /** The first row. */
  get<Row = MetaRow>(sql: string, ...values: readonly MetaValue[]): Found<Row>;
  all<Row = MetaRow>(sql: string, ...values: readonly MetaValue[]): Row[];
  /** How many rows were changed. */
  run(sql: string, ...values: readonly MetaValue[]): number;
  /** One at a time over all who use the database; undone if `work` throws. */
  transaction<Result>(work: () => Result): Result;
  close(): void;
}

/** A row, if there is one. */
export type Found<Row> = Row | undefined;

export type MetaRow = Readonly<Record<string, MetaValue>>;

/** Where an installation keeps them. */
export interface MetaPlace {
  /** The folder of the files. */
  readonly data: string;
  /** PostgreSQL instead: with the trace, in a schema of its own for each production. */
  readonly shared?: { readonly url: string; readonly production: string } | undefined;
}

/** Users, sessions, tokens, searches, jobs, alerts. The command line opens it while the operator plane runs. */
export function metaDatabase(place: MetaPlace): MetaDatabase {
  const database = open(place, 'meta.db', META_TABLES);
  try {
    upgrade(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** The audit log, in a file of its own. */
export function auditDatabase(place: MetaPlace): MetaDatabase {
  return open(place, 'audit.db', AUDIT_TABLES);
}

function open({ data, shared }: MetaPlace, file: string, tables: string): MetaDatabase {
  if (shared === undefined) return sqliteDatabase(data, file, tables);
  return postgresDatabase(shared, tables);
}
