import { TYPES } from 'tedious';
import type { DataType } from 'tedious/lib/data-type.js';
import type { ColumnMetadata } from 'tedious/lib/token/colmetadata-token-parser.js';
import type * as Helpers from 'tedious/lib/token/helpers.js';
import type * as Parser from 'tedious/lib/value-parser.js';
import type { Cell, Column, ColumnKind, Parameter, Prepared } from './database.ts';

/** By the driver's type names; anything else is text. */
const KINDS: Readonly<Record<string, ColumnKind>> = {
  TinyInt: 'whole',
  SmallInt: 'whole',
  Int: 'whole',
  BigInt: 'whole',
  IntN: 'whole',
  Bit: 'flag',
  BitN: 'flag',
  Real: 'float',
  Float: 'float',
  FloatN: 'float',
  NumericN: 'decimal',
  DecimalN: 'decimal',
  Money: 'decimal',
  SmallMoney: 'decimal',
  MoneyN: 'decimal',
  DateTime: 'time',
  SmallDateTime: 'time',
  DateTimeN: 'time',
  DateTime2: 'time',
  DateTimeOffset: 'moment',
  Date: 'date',
  Binary: 'binary',
  VarBinary: 'binary',
  Image: 'binary',
  UDT: 'binary',
};

export const columnOf = ({ colName, type }: ColumnMetadata): Column => ({
  name: colName,
  kind: KINDS[type.name] ?? 'text',
});

/** What the driver returns. */
export type DriverValue = string | number | boolean | Uint8Array | Date | null;

export function cellOf(value: DriverValue, kind: ColumnKind = 'text'): Cell {
  if (value === null || value instanceof Uint8Array) return value;
  if (kind === 'whole') return BigInt(String(value));
  // of a column of any type (sql_variant)
  return value instanceof Date ? value.toISOString() : value;
}

/** A name that no statement contains by accident. */
export const placeholder = (number: number): string => `@waybill${number}`;
const PLACEHOLDER = /@waybill(\d+)\b/g;

/** More of a text makes it `nvarchar(max)`. */
const LONGEST = 4_000;

interface Given {
  readonly name: string;
  readonly type: DataType;
  readonly value: unknown;
  readonly length?: number;
}

/**
 * A statement and its values as the driver takes them. NULL is written into the text: as a parameter it would have a type, which
 * not every column accepts.
 */
export function given({ text, values }: Prepared): { text: string; parameters: readonly Given[] } {
  const parameters: Given[] = [];
  for (const [index, value] of values.entries()) {
    if (value !== null) parameters.push(parameterOf(`waybill${index + 1}`, value));
  }
  if (parameters.length === values.length) return { text, parameters };
  const isNull = (number: string): boolean => (values[Number(number) - 1] ?? null) === null;
  return {
    text: text.replaceAll(PLACEHOLDER, (name, number: string) => (isNull(number) ? 'NULL' : name)),
    parameters,
  };
}

const MOST_INT = 2 ** 31;
const MOST_BIGINT = 2n ** 63n;

function parameterOf(name: string, value: NonNullable<Parameter>): Given {
  if (typeof value === 'boolean') return { name, type: TYPES.Bit, value };
  if (value instanceof Uint8Array)
    return { name, type: TYPES.VarBinary, value: Buffer.from(value) };
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    return { name, type: TYPES.Float, value };
  }
  if (typeof value === 'number' || (typeof value === 'bigint' && fits(value))) {
    const isSmall = value < MOST_INT && value >= -MOST_INT;
    return isSmall
      ? { name, type: TYPES.Int, value: Number(value) }
      : { name, type: TYPES.BigInt, value: BigInt(value) };
  }
  const text = textOf(value);
  // all of the same length, so that the server parses a statement once
  return {
    name,
    type: TYPES.NVarChar,
    value: text,
    ...(text.length <= LONGEST && { length: LONGEST }),
  };
}

const fits = (value: bigint): boolean => value < MOST_BIGINT && value >= -MOST_BIGINT;

function textOf(value: string | bigint | Date | readonly string[]): string {
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

type ReadValue = typeof Parser.readValue;
type Metadata = Parameters<ReadValue>[2];

/** The functions of the driver that are replaced: its row readers call them by name. */
interface Parts {
  readonly parser: { readValue: ReadValue };
  readonly helpers: typeof Helpers;
}

const DONE = Symbol.for('waybill reads exactly');

/**
 * Makes the driver return decimals, money and times as exact texts: it would turn DECIMAL(38) into a float and DATETIME2(7) into a Date
 * with milliseconds. Throws if the driver's version does not fit.
 */
export async function readExactly(): Promise<void> {
  const [parser, helpers] = await Promise.all([
    import('tedious/lib/value-parser.js'),
    import('tedious/lib/token/helpers.js'),
  ]);
  const parts = { parser: ownOf(parser), helpers: ownOf(helpers) } as Parts;
  if (typeof parts.parser.readValue !== 'function' || DONE in parts.parser) return;
  parts.parser.readValue = exactReader(parts, parts.parser.readValue);
  Object.defineProperty(parts.parser, DONE, { value: true });
}

/** The object that the driver's own modules use. */
const ownOf = (module: object): unknown => ('default' in module ? module.default : module);

function exactReader({ helpers }: Parts, usual: ReadValue): ReadValue {
  return (buffer, offset, metadata, options) => {
    const form = FORMS[metadata.type.name];
    if (form === undefined) return usual(buffer, offset, metadata, options);
    const { bytes, end } = taken(helpers, buffer, offset, form.size);
    return new helpers.Result(bytes.length === 0 ? null : form.text(bytes, metadata), end);
  };
}

/** The bytes of a value. Throws what the driver's own readers throw if more must be received first. */
function taken(
  helpers: Parts['helpers'],
  buffer: Buffer,
  offset: number,
  size: 4 | 8 | undefined,
): { readonly bytes: Buffer; readonly end: number } {
  if (size === undefined) {
    const { value, offset: end } = helpers.readBVarByte(buffer, offset);
    return { bytes: value, end };
  }
  const read = size === 8 ? helpers.readBigUInt64LE : helpers.readUInt32LE;
  const { offset: end } = read(buffer, offset);
  return { bytes: buffer.subarray(offset, end), end };
}

interface Form {
  /** The size of a value; if left out, its length precedes it, 0 for NULL. */
  readonly size?: 4 | 8;
  text(bytes: Buffer, metadata: Metadata): string;
}

const decimal: Form = {
  text: (bytes, { scale }) => {
    const magnitude = unsigned(bytes.subarray(1));
    return pointed(bytes[0] === 1 ? magnitude : -magnitude, scale ?? 0);
  },
};
const money = (size?: 4 | 8): Form => ({
  ...(size !== undefined && { size }),
  // of eight bytes, the upper half comes first
  text: (bytes) =>
    pointed(
      bytes.length === 4
        ? BigInt(bytes.readInt32LE())
        : (BigInt(bytes.readInt32LE()) << 32n) | BigInt(bytes.readUInt32LE(4)),
      4,
    ),
});
const dateTime = (size?: 4 | 8): Form => ({
  ...(size !== undefined && { size }),
  text: (bytes) =>
    bytes.length === 4
      ? `${dayOf(bytes.readUInt16LE() + DAYS_TO_1900)}T${clock(BigInt(bytes.readUInt16LE(2)) * 60n, 0)}`
      : `${dayOf(bytes.readInt32LE() + DAYS_TO_1900)}T${clock(thousandths(bytes.readUInt32LE(4)), 3)}`,
});

/** By the driver's names of types. */
const FORMS: Readonly<Record<string, Form>> = {
  DecimalN: decimal,
  NumericN: decimal,
  Money: money(8),
  SmallMoney: money(4),
  MoneyN: money(),
  DateTime: dateTime(8),
  SmallDateTime: dateTime(4),
  DateTimeN: dateTime(),
  Date: { text: (bytes) => dayOf(bytes.readUIntLE(0, 3)) },
  Time: { text: (bytes, { scale }) => clock(unsigned(bytes), scale ?? 0) },
  DateTime2: {
    text: (bytes, { scale }) =>
      `${dayOf(bytes.readUIntLE(bytes.length - 3, 3))}T${clock(unsigned(bytes.subarray(0, -3)), scale ?? 0)}`,
  },
  // in UTC, followed by the zone's offset in minutes, which is not needed
  DateTimeOffset: {
    text: (bytes, { scale }) =>
      `${dayOf(bytes.readUIntLE(bytes.length - 5, 3))}T${clock(unsigned(bytes.subarray(0, -5)), scale ?? 0)}Z`,
  },
};

function unsigned(bytes: Buffer): bigint {
  let value = 0n;
  for (const byte of bytes.toReversed()) value = (value << 8n) | BigInt(byte);
  return value;
}

function pointed(value: bigint, scale: number): string {
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0');
  const sign = value < 0n ? '-' : '';
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** Days are counted from 0001-01-01. */
const DAYS_TO_1900 = 693_595;
const DAYS_TO_1970 = 719_162;

const dayOf = (days: number): string =>
  new Date((days - DAYS_TO_1970) * 86_400_000).toISOString().slice(0, 10);

/** DATETIME counts in three hundredths of a second and shows thousandths. */
const thousandths = (ticks: number): bigint => BigInt(Math.round((ticks * 10) / 3));

const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');

/** A time of day that is counted in parts of a second: `12:00:00.123`. */
function clock(parts: bigint, scale: number): string {
  const unit = 10n ** BigInt(scale);
  const seconds = Number(parts / unit);
  const rest = scale === 0 ? '' : `.${String(parts % unit).padStart(scale, '0')}`;
  return `${two(seconds / 3_600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}${rest}`;
}
