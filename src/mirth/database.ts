import { ask } from './blocking.ts';
import { plainTextOf } from './plain-text.ts';

/** A statement of a script: the operation with its text, and the current values. */
class Statement {
  readonly operation: string;
  readonly values: readonly unknown[];

  constructor(operation: string, values: readonly unknown[]) {
    this.operation = operation;
    this.values = values;
  }

  toString(): string {
    return `the statement of ${this.operation}`;
  }
}

/** What the importer writes where a script built a statement. */
export const sqlStatement = (operation: string, values: readonly unknown[] = []): Statement =>
  new Statement(operation, values);

/** A value that was in quotes, with the text next to it, as the database would have read it. */
export function quoted(...parts: readonly unknown[]): string | null {
  if (parts.length === 1 && (parts[0] === null || parts[0] === undefined)) return null;
  return parts
    .map((one) => plainTextOf(one ?? ''))
    .join('')
    .replaceAll("''", "'");
}

/** The same for databases that use backslash escapes in strings. */
export const unescaped = (...parts: readonly unknown[]): string | null =>
  quoted(...parts)?.replaceAll(/\\(['"\\])/g, '$1') ?? null;

interface Answered {
  readonly count?: number;
  readonly rows?: readonly Readonly<Record<string, unknown>>[];
}

/** The rows of a query, iterated as in Java. */
class RowSet {
  readonly #rows: readonly Readonly<Record<string, unknown>>[];
  #at = -1;
  #wasNull = false;

  constructor(rows: NonNullable<Answered['rows']>) {
    this.#rows = rows;
  }

  next(): boolean {
    this.#at = Math.min(this.#at + 1, this.#rows.length);
    return this.#at < this.#rows.length;
  }

  previous(): boolean {
    this.#at = Math.max(this.#at - 1, -1);
    return this.#at >= 0;
  }

  first(): boolean {
    this.#at = 0;
    return this.#rows.length > 0;
  }

  last(): boolean {
    this.#at = this.#rows.length - 1;
    return this.#rows.length > 0;
  }

  beforeFirst(): void {
    this.#at = -1;
  }

  getRow(): number {
    return this.#at < this.#rows.length ? this.#at + 1 : 0;
  }

  size(): number {
    return this.#rows.length;
  }

  /** By its name, in any case, or by its number from 1. */
  #cell(column: unknown): unknown {
    const row = this.#rows[this.#at];
    if (row === undefined) throw new Error('there is no current row: next() returned false');
    const names = Object.keys(row);
    const name =
      typeof column === 'number'
        ? names[column - 1]
        : names.find((one) => one.toLowerCase() === plainTextOf(column).toLowerCase());
    if (name === undefined) throw new Error('there is no such column');
    const value = row[name] ?? null;
    this.#wasNull = value === null;
    return value;
  }

  getString(column: unknown): string | null {
    const value = this.#cell(column);
    if (value === null) return null;
    return typeof value === 'object' ? JSON.stringify(value) : plainTextOf(value);
  }

  getObject(column: unknown): unknown {
    return this.#cell(column);
  }

  #number(column: unknown): number {
    return Number(this.#cell(column) ?? 0);
  }

  getInt(column: unknown): number {
    return Math.trunc(this.#number(column));
  }

  getLong(column: unknown): number {
    return Math.trunc(this.#number(column));
  }

  getDouble(column: unknown): number {
    return this.#number(column);
  }

  getFloat(column: unknown): number {
    return this.#number(column);
  }

  getBoolean(column: unknown): boolean {
    return /^(true|1|t|y)$/i.test(plainTextOf(this.#cell(column)));
  }

  getDate(column: unknown): Date | null {
    const value = this.#cell(column);
    return value === null ? null : new Date(plainTextOf(value));
  }

  getTimestamp(column: unknown): Date | null {
    return this.getDate(column);
  }

  wasNull(): boolean {
    return this.#wasNull;
  }

  getMetaData(): {
    getColumnCount(): number;
    getColumnName(at: number): string;
    getColumnLabel(at: number): string;
  } {
    const names = Object.keys(this.#rows[0] ?? {});
    const name = (at: number): string => names[at - 1] ?? '';
    return { getColumnCount: () => names.length, getColumnName: name, getColumnLabel: name };
  }

  close(): void {
    // nothing is open
  }
}

function carriedOut(statement: unknown, more: unknown): Answered {
  if (!(statement instanceof Statement)) {
    throw new Error(
      'this statement was not recognised during the import: make an operation for it',
    );
  }
  const given = more === undefined || more === null ? [] : [...(more as Iterable<unknown>)];
  const values = [...statement.values, ...given];
  return ask({ kind: 'call', to: statement.operation, values }) as Answered;
}

/** A connection of a script. Its address is in the production, at the operation of each statement. */
const connection = {
  executeCachedQuery: (statement: unknown, values?: unknown): RowSet =>
    new RowSet(carriedOut(statement, values).rows ?? []),
  executeUpdate: (statement: unknown, values?: unknown): number =>
    carriedOut(statement, values).count ?? 0,
  executeUpdateAndGetGeneratedKeys: (statement: unknown, values?: unknown): RowSet =>
    new RowSet(carriedOut(statement, values).rows ?? []),
  close: (): void => undefined,
  getAddress: (): string => '',
  isClosed: (): boolean => false,
  getConnection: (): { isClosed(): boolean; close(): void } => ({
    isClosed: () => false,
    close: () => undefined,
  }),
};

export const DatabaseConnectionFactory = {
  createDatabaseConnection: (): typeof connection => connection,
};
