import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import type { Credential, setting } from 'waybill/adapter';
import type { Talk } from 'waybill/peer/basics';
import type { SqlConnectionValues } from './sql-settings.ts';

/** How a column's values are written as JSON, and compared as a key. */
export type ColumnKind =
  | 'whole'
  | 'decimal'
  | 'float'
  | 'flag'
  | 'text'
  /** A time without a zone: `2026-01-31T12:00:00.123456`. */
  | 'time'
  /** A moment, in UTC with a `Z`. */
  | 'moment'
  | 'date'
  /** The cell is already JSON, and is copied into the row. */
  | 'json'
  | 'binary';

export interface Column {
  readonly name: string;
  readonly kind: ColumnKind;
}

/** A value as it was read: exact, so decimals and times are texts. */
export type Cell = string | number | bigint | boolean | Uint8Array | null;

export type Row = readonly Cell[];

/** The result of one statement. */
export interface Result {
  /** Empty if the statement returns no rows. */
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  /** Whether there were more rows than the limit, which were dropped. */
  readonly more: boolean;
  /** The number of rows that were inserted, changed or deleted, or that a query read. */
  readonly count: number;
}

/** How much of a result is kept in memory. */
export interface Limit {
  readonly rows: number;
  readonly bytes: number;
}

/** A value that is sent to the database separately from the statement. */
export type Parameter = Cell | Date | readonly string[];

/** A statement in one product's dialect, with its placeholders. */
export interface Prepared {
  readonly text: string;
  readonly values: readonly Parameter[];
}

/** Who we are to the server and how we are connected, as reported by the server. */
export interface SessionFacts {
  /** `PostgreSQL 17.6` */
  readonly server: string;
  /** The account that statements run as. */
  readonly identity: string;
  readonly database: string;
  /** `TLSv1.3`, or that it is unencrypted. */
  readonly encryption: string;
}

/** One signed-in connection: it does one thing at a time. What it throws is a `SqlFailure`. */
export interface SqlSession {
  readonly facts: SessionFacts;
  readonly alive: boolean;
  run(statement: Prepared, limit: Limit): Promise<Result>;
  /**
   * Runs the first of these one after another, at least one, and as many as need no long time, where the way to the
   * database costs more than a statement. If one fails, those before it have taken effect.
   */
  runSome?(statements: readonly Prepared[], limit: Limit): Promise<readonly Result[]>;
  /** Begins a transaction in which a row that was read cannot be changed unnoticed before the commit, if the product supports it. */
  begin(): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  /** Has a statement looked at without executing it, where the product has no statement for that (`dry`). */
  look?(text: string): Promise<void>;
  /** Makes the server cancel what it does for this session, over a separate connection if the product needs one. */
  cancel(): Promise<void>;
  /** Signs off if possible, and ends the connection in any case. */
  close(): Promise<void>;
  /** Called once if the connection ends unexpectedly. */
  onEnd(told: () => void): void;
}

/** Everything needed to sign in. */
export interface SqlSignIn {
  readonly settings: SqlConnectionValues;
  readonly credential: Credential | undefined;
  /** The current token, if the credential provides one. */
  readonly token: string | undefined;
  /** Where the server listens. */
  readonly address: setting.Address;
  /** Undefined connects in clear. */
  readonly tls: ConnectionOptions | undefined;
  /** The same for a server that the first one redirects us to. */
  tlsFor(host: string): Promise<ConnectionOptions>;
  readonly signal: AbortSignal;
}

/** What differs between the database products. */
export interface Product {
  connect(signIn: SqlSignIn): Promise<SqlSession>;
  /** The placeholder of the nth value, from 1. */
  placeholder(number: number): string;
  /** The placeholder of a value of a key column, so that it is compared exactly and by the column's index. */
  keyPlaceholder(number: number, kind: ColumnKind): string;
  /** Converts the text of a key to the value for that placeholder. */
  keyValue(text: string, kind: ColumnKind): Parameter;
  quote(identifier: string): string;
  /** Limits an ordered query to so many rows. */
  page(query: string, order: string, rows: number): string;
  /** Whether a single statement is atomic without a transaction. */
  isAtomic(statement: string): boolean;
  /** Finds out where the server listens; if left out, at `connect`. */
  find?(settings: SqlConnectionValues, signal: AbortSignal): Promise<setting.Address | undefined>;
  /** Asks the server to switch to TLS, in the few bytes that its protocol has for it; false if it does not. */
  agreeToTls(talk: Talk): Promise<boolean>;
  /** The stream for the handshake after that, if it continues inside the protocol. */
  tlsInside?(socket: Socket): Duplex;
  /** The name of the protocol in the handshake, if TLS is used from the start. */
  readonly alpn?: string;
  /** A statement that changes nothing and fails if the given statement would not be understood or allowed; undefined if there is none. */
  dry(statement: string): string | undefined;
}
