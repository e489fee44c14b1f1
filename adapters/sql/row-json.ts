import { hash } from 'node:crypto';
import type { Cell, Column, ColumnKind, Row } from './database.ts';

/**
 * A row as JSON, each value exact: a whole number that a JSON reader would round is a text, as is every decimal (so that
 * 1.10 stays 1.10), times are ISO 8601, bytes are base64, JSON in the database is copied.
 */
export function rowJson(columns: readonly Column[], row: Row): string {
  let json = '';
  for (const [index, name] of namesOf(columns).entries()) {
    json += `${json === '' ? '{' : ','}${name}${cellJson(row[index] ?? null, columns[index]?.kind)}`;
  }
  return json === '' ? '{}' : `${json}}`;
}

const NAMES = new WeakMap<readonly Column[], readonly string[]>();

/** The names as they stand before a value: made once for all rows of a result. */
function namesOf(columns: readonly Column[]): readonly string[] {
  const known = NAMES.get(columns);
  if (known !== undefined) return known;
  const names = columns.map(({ name }) => `${JSON.stringify(name)}:`);
  NAMES.set(columns, names);
  return names;
}

function cellJson(cell: Cell, kind?: ColumnKind): string {
  if (cell === null) return 'null';
  if (kind === 'json' && typeof cell === 'string') return cell;
  if (typeof cell === 'bigint') return isExact(cell) ? String(cell) : `"${cell}"`;
  if (typeof cell === 'number') return Number.isFinite(cell) ? JSON.stringify(cell) : `"${cell}"`;
  if (cell instanceof Uint8Array) return JSON.stringify(Buffer.from(cell).toString('base64'));
  return JSON.stringify(cell);
}

const LARGEST = BigInt(Number.MAX_SAFE_INTEGER);
const SMALLEST = BigInt(Number.MIN_SAFE_INTEGER);

const isExact = (value: bigint): boolean => value <= LARGEST && value >= SMALLEST;

/** Identifies a row without containing its values. */
export const fingerprint = (json: string): string => hash('sha256', json, 'base64url').slice(0, 22);

/** A cell as a text that can be saved. */
export const cellText = (cell: Cell): string =>
  cell instanceof Uint8Array ? Buffer.from(cell).toString('base64') : String(cell);

/** About how many bytes a row holds in memory. */
export function weight(row: Row): number {
  let bytes = 0;
  for (const cell of row) {
    if (typeof cell === 'string' || cell instanceof Uint8Array) bytes += cell.length;
    bytes += 16;
  }
  return bytes;
}
