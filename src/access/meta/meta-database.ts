import type { Damage } from '../../trace/store/damage.ts';

export type MetaValue = string | number | null | Uint8Array;

/** Asks. Statements are written in what SQLite and PostgreSQL both understand; places of values are `?`. */
export interface MetaSession {
  /** The first row. */
  get<Row = MetaRow>(sql: string, ...values: readonly MetaValue[]): Promise<Found<Row>>;
  all<Row = MetaRow>(sql: string, ...values: readonly MetaValue[]): Promise<Row[]>;
  /** How many rows were changed. */
  run(sql: string, ...values: readonly MetaValue[]): Promise<number>;
}

/**
 * The small database of what people need beside the trace: users, sessions, tokens, searches, jobs,
 * alerts, the audit log. In SQLite, or in PostgreSQL where several operator planes share it.
 *
 * Between two questions others may ask. What is read and then written, and must not be interleaved with another
 * request, is one statement or one transaction. It rejects with STORE_UNAVAILABLE after a bounded time.
 */
export interface MetaDatabase extends MetaSession, AsyncDisposable {
  /** Whether other operator planes may use it too. */
  readonly shared: boolean;
  /**
   * One at a time over all who use the database; undone if `work` rejects. `work` asks the session it is given and
   * nothing else, and awaits nothing else: others wait for it.
   */
  transaction<Result>(work: (session: MetaSession) => Promise<Result>): Promise<Result>;
  /** The statements of a definition, which is written for SQLite, in the database's own words. */
  written(definition: string): readonly string[];
  close(): Promise<void>;
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
  /** Has a damaged file set aside and a new one begun, and is told of it. Without it such a file is an error. */
  readonly onDamaged?: ((damage: Damage) => void) | undefined;
}
