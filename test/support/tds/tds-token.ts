import { COLLATION, typeOf } from './tds-type.ts';
import { TdsWriter } from './tds-writer.ts';

/** An error with the server's number. */
export class SqlServerError extends Error {
  readonly number: number;

  constructor(number: number, message: string) {
    super(message);
    this.number = number;
  }
}

const ERROR_TOKEN = 0xaa;
const SERVER = 'PEER';

/** Errors of a sign-in are of class 14, those that end the connection of class 20 and more. */
export const errorToken = ({ number, message }: SqlServerError, severity = 16): Buffer =>
  new TdsWriter()
    .byte(ERROR_TOKEN)
    .sized((inner) =>
      inner.int(number).byte(1, severity).longText(message).text(SERVER).text('').int(1),
    ).bytes;

export const DONE = { last: 0x00, more: 0x01, error: 0x02, count: 0x10, attention: 0x20 } as const;
const DONE_TOKENS = { batch: 0xfd, procedure: 0xfe, inProcedure: 0xff } as const;

export const doneToken = (kind: keyof typeof DONE_TOKENS, status: number, count = 0): Buffer =>
  new TdsWriter().byte(DONE_TOKENS[kind]).short(status).short(0).long(BigInt(count)).bytes;

export const returnStatus = (): Buffer => new TdsWriter().byte(0x79).int(0).bytes;

const ENVIRONMENT = 0xe3;

const changeOf = (type: number, fill: (writer: TdsWriter) => void): Buffer =>
  new TdsWriter().byte(ENVIRONMENT).sized((inner) => fill(inner.byte(type))).bytes;

export const CHANGES = { begun: 8, committed: 9, rolledBack: 10 } as const;

/** A transaction began or ended; the driver sends the descriptor with all requests in between. */
export const transactionToken = (what: keyof typeof CHANGES, descriptor: bigint): Buffer =>
  changeOf(CHANGES[what], (inner) =>
    what === 'begun'
      ? inner.byte(8).long(descriptor).byte(0)
      : inner.byte(0).byte(8).long(descriptor),
  );

/** The end of a successful sign-in. */
export function welcome(database: string, features: readonly number[]): Buffer {
  const writer = new TdsWriter()
    .raw(changeOf(1, (inner) => inner.text(database).text('master')))
    .raw(changeOf(7, (inner) => inner.byte(5).raw(COLLATION).byte(0)))
    .raw(changeOf(2, (inner) => inner.text('us_english').text('')));
  writer
    .byte(0xad)
    .sized((inner) =>
      inner.byte(1, 0x74, 0, 0, 4).text('Microsoft SQL Server').byte(16, 0, 0x10, 0x36),
    );
  writer.raw(changeOf(4, (inner) => inner.text('4096').text('4096')));
  // that we support UTF-8, and that the token, if any, was accepted
  writer.byte(0xae, 0x0a).int(1).byte(1);
  for (const feature of features) writer.byte(feature).int(0);
  return writer.byte(0xff).raw(doneToken('batch', DONE.last)).bytes;
}

/** An availability group redirects a read-only client to another server. */
export const routing = (host: string, port: number): Buffer =>
  changeOf(20, (inner) =>
    inner.sized((place) => place.byte(0).short(port).longText(host)).short(0),
  );

export const sspiToken = (challenge: Buffer): Buffer =>
  new TdsWriter().byte(0xed).short(challenge.length).raw(challenge).bytes;

/** The result of one statement. */
export interface PeerResult {
  readonly columns: readonly { readonly name: string; readonly type: string | null }[];
  readonly rows: readonly (readonly unknown[])[];
  /** Undefined if the server does not count. */
  readonly count: number | undefined;
}

const ROW = 0xd1;
const ROW_WITH_NULLS = 0xd2;

/** Columns and rows; nothing if the statement has none. */
export function rowTokens({ columns, rows }: PeerResult): Buffer {
  if (columns.length === 0) return Buffer.alloc(0);
  const types = columns.map(({ type }, index) =>
    typeOf(type, rows.find((row) => row[index] !== null)?.[index]),
  );
  const writer = new TdsWriter().byte(0x81).short(columns.length);
  for (const [index, { name }] of columns.entries()) {
    writer.int(0).short(1);
    types[index]?.info(writer);
    writer.text(name);
  }
  for (const row of rows) {
    const nulls = row.map((value) => value === null);
    if (nulls.includes(true)) writer.byte(ROW_WITH_NULLS).raw(bitmap(nulls));
    else writer.byte(ROW);
    for (const [index, value] of row.entries()) {
      if (value !== null) types[index]?.value(writer, value);
    }
  }
  return writer.bytes;
}

function bitmap(flags: readonly boolean[]): Buffer {
  const bytes = Buffer.alloc(Math.ceil(flags.length / 8));
  for (const [index, isSet] of flags.entries()) {
    const at = index >> 3;
    if (isSet) bytes[at] = (bytes[at] ?? 0) | (1 << (index & 7));
  }
  return bytes;
}
