import { TYPES } from 'tedious';
import type { DataType } from 'tedious/lib/data-type.js';
import type { ColumnMetadata } from 'tedious/lib/token/colmetadata-token-parser.js';
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
  const isNull = (number: string): boolean => (values[Number(number) - 1] ?? null) === null;
  return {
    text: text.replaceAll(PLACEHOLDER, (name, number: string) => (isNull(number) ? 'NULL' : name)),
    parameters: values.flatMap((value, index) =>
      value === null ? [] : [parameterOf(`waybill${index + 1}`, value)],
    ),
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
