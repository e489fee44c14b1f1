import type { Damage, MovedFile } from '../../trace/store/damage.ts';

export type MetaValue = string | number | null | Uint8Array;

/** Runs statements in the SQL that SQLite and PostgreSQL have in common; placeholders are `?`. */
export interface MetaSession {
  /** The first row. */
  get<Row = MetaRow>(sql: string, ...values: readonly MetaValue[]): Promise<Row | undefined>;
  all<Row = MetaRow>(sql: string, ...values: readonly MetaValue[]): Promise<Row[]>;
  /** Returns how many rows were changed. */
  run(sql: string, ...values: readonly MetaValue[]): Promise<number>;
}

/**
 * The small database of everything besides the trace: users, sessions, tokens, searches, jobs,
 * alerts, the audit log. In SQLite, or in PostgreSQL if several operator planes share it.
 *
 * Other requests may come between two statements. A read and write that must not be interleaved
 * with another request must be one statement or one transaction. It rejects with STORE_UNAVAILABLE
 * after a bounded time.
 */
export interface MetaDatabase extends MetaSession, AsyncDisposable {
  /** Whether other operator planes may use it too. */
  readonly shared: boolean;
  /**
   * Runs one at a time across all users of the database; rolled back if `work` rejects. `work` uses only the
   * session it is given and awaits nothing else: others wait for it.
   */
  transaction<Result>(work: (session: MetaSession) => Promise<Result>): Promise<Result>;
  /** Translates a definition written for SQLite into the database's own dialect. */
  written(definition: string): readonly string[];
  close(): Promise<void>;
}

export type MetaRow = Readonly<Record<string, MetaValue>>;

/** The text of a column; undefined for NULL. */
export const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined;

/** The number of a column; undefined for NULL. */
export const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' ? value : undefined;

/** Where an installation keeps its databases. */
export interface MetaPlace {
  /** The folder of the files. */
  readonly data: string;
  /** PostgreSQL instead: next to the trace, in a schema per production. */
  readonly shared?: { readonly url: string; readonly production: string } | undefined;
  /**
   * If given, a damaged file is set aside, a new one is created, and this is called. Otherwise a
   * damaged file is an error.
   */
  readonly onDamaged?: ((damage: Damage) => void) | undefined;
  /** If given, called once for each file that is removed or replaced while it is open. */
  readonly onMoved?: ((moved: MovedFile) => void) | undefined;
}
