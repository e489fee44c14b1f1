import { AsyncLocalStorage } from 'node:async_hooks';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { type ConnectionOptions, connect as connectSecure } from 'node:tls';

/** The part of the driver that is used; it brings no types. */
export interface OracleDriver {
  readonly STRING: unknown;
  readonly BUFFER: unknown;
  readonly DB_TYPE_RAW: unknown;
  getConnection(options: Readonly<Record<string, unknown>>): Promise<OracleConnection>;
}

export interface OracleConnection {
  readonly oracleServerVersionString: string;
  callTimeout: number;
  execute(
    text: string,
    values: readonly unknown[],
    options: Readonly<Record<string, unknown>>,
  ): Promise<OracleResult>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  break(): Promise<void>;
  close(): Promise<void>;
  readonly _impl: {
    readonly nscon: { readonly ntAdapter: { readonly stream: Socket } | null };
    readonly _protocol: {
      readonly readBuf: DateReader;
      readonly caps: { dbTzOffset: number | null };
    };
  };
}

export interface OracleColumn {
  /** As the query names it: of two alike, `name` gives the second another one. */
  readonly dbColumnName: string;
  readonly dbTypeName: string;
  readonly precision?: number;
  readonly scale?: number;
}

export interface OracleRows {
  readonly metaData: readonly OracleColumn[];
  getRows(count: number): Promise<readonly (readonly unknown[])[]>;
  close(): Promise<void>;
}

export interface OracleResult {
  readonly rowsAffected?: number;
  readonly resultSet?: OracleRows;
  readonly implicitResults?: readonly OracleRows[];
}

/** Where the driver decodes times. */
interface DateReader {
  readBytesWithLength(): Buffer | null;
  readOracleDate(isLocal: boolean, isOfDatabase: boolean): unknown;
}

/** How a connection is made, in the place of the driver's own way. */
export interface Way {
  readonly dial: () => Promise<Socket>;
  readonly tls: ConnectionOptions | undefined;
  /** Why the handshake failed. */
  problem?: Error;
}

interface Transport {
  stream: Socket;
  connStream: Socket;
  connected: boolean;
}

type TransportMethod = (this: Transport, ...given: unknown[]) => Promise<void>;

interface TransportClass {
  readonly prototype: { ntConnect: TransportMethod; tlsConnect: TransportMethod };
}

const ways = new AsyncLocalStorage<Way>();
const DONE = Symbol.for('waybill connects by itself');
const require = createRequire(import.meta.url);

/**
 * The driver in its thin mode, which is all JavaScript. It is made to connect like every adapter: by `way`, so that the
 * server is verified as everywhere else (it knows neither revocation lists nor an expected name) and a stop ends it.
 */
export const oracleDriver = (): OracleDriver => (known ??= changedDriver());

/** Asked for with each statement: to look the package up costs some 7 µs. */
let known: OracleDriver | undefined;

function changedDriver(): OracleDriver {
  const driver = require('oracledb') as OracleDriver;
  const { prototype } = require('oracledb/lib/thin/sqlnet/ntTcp.js') as TransportClass;
  if (DONE in prototype) return driver;
  const { ntConnect, tlsConnect } = prototype;
  prototype.ntConnect = async function (this: Transport, ...given) {
    const way = ways.getStore();
    if (way === undefined) return await ntConnect.apply(this, given);
    this.stream = await way.dial();
    this.connected = true;
  };
  prototype.tlsConnect = async function (this: Transport, ...given) {
    const way = ways.getStore();
    if (way?.tls === undefined) return await tlsConnect.apply(this, given);
    const plain = this.stream;
    plain.removeAllListeners();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const socket = connectSecure({ ...way.tls, socket: plain }, resolve);
    socket.once('error', (error) => {
      way.problem = error;
      reject(error);
    });
    await promise;
    socket.removeAllListeners('error');
    this.stream = socket;
    this.connStream = plain;
  };
  Object.defineProperty(prototype, DONE, { value: true });
  return driver;
}

export const connectBy = <Value>(way: Way, work: () => Promise<Value>): Promise<Value> =>
  ways.run(way, work);

/** Makes a connection give times as exact texts: the driver makes a Date of them, in the zone of this process and to the millisecond. */
export function readExactTimes(connection: OracleConnection): void {
  const { readBuf, caps } = connection['_impl']['_protocol'];
  readBuf.readOracleDate = function (this: DateReader, isLocal, isOfDatabase) {
    const bytes = this.readBytesWithLength();
    if (bytes === null) return null;
    const minutes = isOfDatabase ? (caps.dbTzOffset ?? 0) : 0;
    return `${timeOf(bytes, minutes)}${isLocal ? '' : 'Z'}`;
  };
}

/** Century and year of 100, month, day, and hour, minute, second more one; then nanoseconds. */
function timeOf(bytes: Buffer, minutesAhead: number): string {
  const [century = 0, year = 0, month = 1, day = 1, hour = 1, minute = 1, second = 1] = bytes;
  const moment = new Date(0);
  moment.setUTCFullYear((century - 100) * 100 + year - 100, month - 1, day);
  moment.setUTCHours(hour - 1, minute - 1 - minutesAhead, second - 1);
  const seconds = moment.toISOString().slice(0, -5);
  const parts = bytes.length >= 11 ? String(bytes.readUInt32BE(7)).padStart(9, '0') : '';
  const digits = parts.replace(/0+$/, '');
  return digits === '' ? seconds : `${seconds}.${digits}`;
}
