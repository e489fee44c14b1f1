import type { Cell, Column, ColumnKind, Parameter } from './database.ts';
import type { OracleColumn } from './oracle-driver.ts';

const KINDS: Readonly<Record<string, ColumnKind>> = {
  BINARY_INTEGER: 'whole',
  BINARY_FLOAT: 'float',
  BINARY_DOUBLE: 'float',
  BOOLEAN: 'flag',
  // with a time of day; the kind says how a key is compared by the column's index
  DATE: 'date',
  TIMESTAMP: 'time',
  'TIMESTAMP WITH TIME ZONE': 'moment',
  'TIMESTAMP WITH LOCAL TIME ZONE': 'moment',
  RAW: 'binary',
  'LONG RAW': 'binary',
  BLOB: 'binary',
};

/** A NUMBER is a whole number if it is declared as one: without a precision it may hold any decimal. */
export const columnOf = ({
  dbColumnName: name,
  dbTypeName,
  precision,
  scale,
}: OracleColumn): Column => ({
  name,
  kind:
    dbTypeName === 'NUMBER'
      ? scale === 0 && (precision ?? 0) > 0
        ? 'whole'
        : 'decimal'
      : (KINDS[dbTypeName] ?? 'text'),
});

export function cellOf(value: unknown, kind: ColumnKind = 'text', scale = 0): Cell {
  if (value === null || value === undefined) return null;
  if (value instanceof Uint8Array || typeof value === 'boolean') return value;
  if (kind === 'whole') return BigInt(value as string | number);
  if (kind === 'decimal') return decimalText(`${value as string | number}`, scale);
  if (typeof value === 'number' || typeof value === 'string') return value;
  return JSON.stringify(value);
}

/** With the digits that the column declares, as other products send them: Oracle sends neither trailing zeros nor that before the point. */
function decimalText(text: string, scale: number): string {
  const [whole = '', part = ''] = text.replace(/^(-?)\./, '$10.').split('.');
  const digits = /e/i.test(text) ? part : part.padEnd(Math.max(0, scale), '0');
  return digits === '' ? whole : `${whole}.${digits}`;
}

export function valueOf(value: Parameter): unknown {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (value instanceof Date) return value.toISOString().replace('Z', '');
  if (value instanceof Uint8Array) return Buffer.from(value);
  return Array.isArray(value) ? JSON.stringify(value) : value;
}
