import type { Cell, Column, ColumnKind, Parameter } from './database.ts';
import type { OdbcColumn, OdbcValue } from './odbc-process.ts';
import { SqlFailure } from './sql-failure.ts';

/** By the numbers of ODBC's types; anything else is text. */
const KINDS: Readonly<Record<number, ColumnKind>> = {
  [-7]: 'flag',
  [-6]: 'whole',
  5: 'whole',
  4: 'whole',
  [-5]: 'whole',
  2: 'decimal',
  3: 'decimal',
  6: 'float',
  7: 'float',
  8: 'float',
  91: 'date',
  93: 'time',
  [-2]: 'binary',
  [-3]: 'binary',
  [-4]: 'binary',
};

export const columnOf = ({ name, dataType }: OdbcColumn): Column => ({
  name,
  kind: KINDS[dataType] ?? 'text',
});

export function cellOf(value: OdbcValue, kind: ColumnKind, column: OdbcColumn): Cell {
  if (value === null) return null;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (kind === 'whole') return BigInt(String(value));
  if (kind === 'flag') return value === true || String(value) === '1';
  if (kind === 'time') return String(value).replace(' ', 'T');
  if (kind !== 'decimal') return value;
  return typeof value === 'number' ? decimalOf(value, column) : String(value);
}

/** A double gives back so many digits of a decimal exactly. */
const EXACT_DIGITS = 15;

/**
 * The package turns decimals into floats. Up to 15 digits the decimal is regained exactly; a value that may have had
 * more is refused, because it would be another one.
 */
function decimalOf(value: number, { name, decimalDigits }: OdbcColumn): string {
  const text = value.toFixed(Math.min(100, Math.max(0, decimalDigits)));
  const digits = text.replace(/^-?0*\.?0*/, '').replace('.', '').length;
  if (digits <= EXACT_DIGITS && Number(text) === value) return text;
  throw new SqlFailure('value', {
    what: `the decimal in ${name} has more than ${EXACT_DIGITS} digits, which ODBC's package would round`,
    remedy: `Read it as text: CAST(${name} AS VARCHAR(50)) AS ${name}`,
  });
}

export function valueOf(value: Parameter): OdbcValue {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'bigint') return BigInt.asIntN(64, value) === value ? value : String(value);
  if (value instanceof Date) return value.toISOString().replace('T', ' ').replace('Z', '');
  if (value instanceof Uint8Array) return Buffer.from(value);
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
}
