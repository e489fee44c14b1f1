import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import type { Credential, setting } from 'waybill/adapter';
import type { Talk } from 'waybill/peer';
import type { SqlConnectionValues } from './sql-settings.ts';

/** How a column's values are written into JSON, and compared with as a key. */
export type ColumnKind =
  | 'whole'
  | 'decimal'
  | 'float'
  | 'flag'
  | 'text'
  /** A time without a zone: `2026-01-31T12:00:00.123456`. */
  | 'time'
  /** A moment, told in UTC with a `Z`. */
  | 'moment'
  | 'date'
  /** The cell is JSON already, and stands in the row as it is. */
  | 'json'
  | 'binary';

export interface Column {
  readonly name: string;
  readonly kind: ColumnKind;
}

/** A value as it was read: exact, so that a decimal and a time are texts. */
export type Cell = string | number | bigint | boolean | Uint8Array | null;

export type Row = readonly Cell[];

/** What one statement gave. */
export interface Result {
  /** Empty where the statement gives no rows. */
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  /** Whether there were rows beyond the limit. They were not kept. */
  readonly more: boolean;
  /** Rows that were inserted, changed or deleted; of a query, that were read. */
  readonly count: number;
}

/** How much of a result is held in memory. */
export interface Limit {
  readonly rows: number;
  readonly bytes: number;
}

/** A value that goes to the database apart from the statement. */
export type Parameter = Cell | Date | readonly string[];

/** A statement in the words of one product, with its placeholders. */
export interface Prepared {
  readonly text: string;
  readonly values: readonly Parameter[];
}

/** Who we are to the server and how we reached it, as the server says it. */
export interface SessionFacts {
  /** `PostgreSQL 17.6` */
  readonly server: string;
  /** The account that statements run as. */
  readonly identity: string;
  readonly database: string;
  /** `TLSv1.3`, or that it is in clear. */
  readonly encryption: string;
}

/** One signed-in connection: it does one thing at a time. What it throws is a `SqlFailure`. */
export interface Session {
  readonly facts: SessionFacts;
  readonly alive: boolean;
  run(statement: Prepared, limit: Limit): Promise<Result>;
  /** Begins a transaction in which a row that was read is not changed unseen before the commit, where the product can. */
  begin(): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  /** Has the server give up what it does for this session, over a connection of its own where the product needs one. */
  cancel(): Promise<void>;
  /** Signs off where it can, and ends the connection in any case. */
  close(): Promise<void>;
  /** Called once when the connection ends by itself. */
  onEnd(told: () => void): void;
}

/** Everything needed to sign in. */
export interface SignIn {
  readonly settings: SqlConnectionValues;
  readonly credential: Credential | undefined;
  /** The current token, where the credential gives one. */
  readonly token: string | undefined;
  /** Where the server listens. */
  readonly address: setting.Address;
  /** Undefined connects in clear. */
  readonly tls: ConnectionOptions | undefined;
  /** The same for a server that the first one sends us on to. */
  tlsFor(host: string): Promise<ConnectionOptions>;
  readonly signal: AbortSignal;
}

/** What differs between the database products. */
export interface Product {
  connect(signIn: SignIn): Promise<Session>;
  /** The placeholder of the nth value, from 1. */
  placeholder(number: number): string;
  /** The placeholder of a value of a key column, so that it is compared exactly and by the column's index. */
  keyPlaceholder(number: number, kind: ColumnKind): string;
  /** The text of a key, as the value for that placeholder. */
  keyValue(text: string, kind: ColumnKind): Parameter;
  quote(identifier: string): string;
  /** At most so many rows of a query that is ordered. */
  page(query: string, order: string, rows: number): string;
  /** Whether a single statement takes effect as a whole or not at all without a transaction around it. */
  isAtomic(statement: string): boolean;
  /** Asks where the server listens; left out, at `connect`. */
  find?(settings: SqlConnectionValues, signal: AbortSignal): Promise<setting.Address | undefined>;
  /** Asks the server to go on with TLS, in the few bytes that its protocol has for it; false where it does not. */
  agreeToTls(talk: Talk): Promise<boolean>;
  /** What carries the handshake after that, where it goes on inside the protocol. */
  tlsInside?(socket: Socket): Duplex;
  /** What the protocol is called in the handshake, where TLS is spoken from the start. */
  readonly alpn?: string;
  /** A statement that changes nothing and fails where the statement at hand would not be understood or allowed; undefined where there is none. */
  dry(statement: string): string | undefined;
}
