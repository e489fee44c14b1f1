import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Described, describedAs } from './oracle-type.ts';

/** An error of the server, by its number. */
export class OracleError extends Error {
  readonly number: number;

  constructor(number: number, text: string) {
    super(`ORA-${String(number).padStart(5, '0')}: ${text}`);
    this.name = 'OracleError';
    this.number = number;
  }
}

export interface OracleColumnOut extends Described {
  readonly name: string;
}

export interface OracleAnswer {
  readonly columns: readonly OracleColumnOut[];
  readonly rows: readonly (readonly unknown[])[];
  readonly count: number;
}

/** What a block calls: a statement, and the source of a row that it returns. */
export interface OracleProcedure {
  readonly statement: string;
  readonly returns: string;
}

export interface OracleWho {
  readonly user: string;
  readonly service: string;
}

const BUSY = 5;
const NOTHING: OracleAnswer = { columns: [], rows: [], count: 0 };

/**
 * A session of the peer: SQLite executes what is common to both, after Oracle's own words are replaced. Unlike the
 * server it keeps names as they are written, and a transaction locks the whole database.
 */
export class OracleSqlSession {
  readonly #database: DatabaseSync;
  readonly #procedures: ReadonlyMap<string, OracleProcedure>;
  isInTransaction = false;

  constructor(file: string, who: OracleWho, procedures: ReadonlyMap<string, OracleProcedure>) {
    this.#procedures = procedures;
    this.#database = new DatabaseSync(file, { timeout: 0 });
    this.#database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF');
    this.#database.function('SYS_CONTEXT', (_, what) =>
      what === 'SERVICE_NAME' ? who.service : who.user,
    );
    for (const name of ['TO_TIMESTAMP', 'TO_TIMESTAMP_TZ']) {
      this.#database.function(name, (text) => text);
    }
    // as texts, a day is kept as it was written: without its midnight
    this.#database.function('TO_DATE', (text) => String(text).replace('T00:00:00', ''));
    this.#database.function('TO_NUMBER', (text) => text);
    this.#database.function('HEXTORAW', (text) => Buffer.from(String(text), 'hex'));
  }

  async carryOut(
    text: string,
    values: readonly SQLInputValue[],
    { commit, signal }: { readonly commit: boolean; readonly signal: AbortSignal },
  ): Promise<OracleAnswer> {
    const given = Object.fromEntries(values.map((value, index) => [`v${index + 1}`, value]));
    if (/^\s*ALTER SESSION/i.test(text)) return NOTHING;
    if (/^\s*SET TRANSACTION/i.test(text)) {
      await this.begin(signal);
      return NOTHING;
    }
    const explained = /^EXPLAIN PLAN FOR ([^]*)$/i.exec(text)?.[1];
    if (explained !== undefined) {
      this.#run(`EXPLAIN ${translate(explained)}`, given);
      return NOTHING;
    }
    if (/^\s*(?:BEGIN|DECLARE)\b/i.test(text)) return await this.#block(text, given, signal);
    await this.#pause(text, given, signal);
    if (!commit && !/^\s*SELECT/i.test(text)) await this.begin(signal);
    return await this.#unlocked(() => this.#run(translate(text), given), signal);
  }

  async #pause(
    text: string,
    given: Readonly<Record<string, SQLInputValue>>,
    signal: AbortSignal,
  ): Promise<void> {
    const [, time] = /PAUSE\((:?\w+)\)/i.exec(text) ?? [];
    if (time === undefined) return;
    const bound = time.startsWith(':') ? given[`v${time.slice(1)}`] : time;
    await sleep(Number(bound), undefined, { signal });
  }

  /** Only the call of a procedure. */
  async #block(
    text: string,
    given: Readonly<Record<string, SQLInputValue>>,
    signal: AbortSignal,
  ): Promise<OracleAnswer> {
    const name = /\b(put_\w+)\(/i.exec(text)?.[1] ?? '';
    const procedure = this.#procedures.get(name);
    if (procedure === undefined) {
      throw new OracleError(
        6550,
        `line 1, column 7: PLS-00201: identifier '${name}' must be declared`,
      );
    }
    await this.#unlocked(() => this.#run(procedure.statement, given), signal);
    return this.#run(procedure.returns, given);
  }

  async begin(signal: AbortSignal): Promise<void> {
    if (this.isInTransaction) return;
    await this.#unlocked(() => this.#database.exec('BEGIN IMMEDIATE'), signal);
    this.isInTransaction = true;
  }

  commit(): void {
    if (this.isInTransaction) this.#database.exec('COMMIT');
    this.isInTransaction = false;
  }

  rollback(): void {
    if (this.isInTransaction) this.#database.exec('ROLLBACK');
    this.isInTransaction = false;
  }

  /** What is open is rolled back. */
  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  /** Waits for another session's lock. */
  async #unlocked<Value>(work: () => Value, signal: AbortSignal): Promise<Value> {
    for (;;) {
      try {
        return work();
      } catch (error) {
        if ((error as { errcode?: number }).errcode !== BUSY) throw error;
        await sleep(5, undefined, { signal });
      }
    }
  }

  #run(text: string, given: Readonly<Record<string, SQLInputValue>>): OracleAnswer {
    try {
      const statement = this.#database.prepare(text);
      statement.setAllowUnknownNamedParameters(true);
      statement.setReadBigInts(true);
      statement.setReturnArrays(true);
      const found = statement.columns();
      if (found.length === 0) {
        return { columns: [], rows: [], count: Number(statement.run(given).changes) };
      }
      const rows = statement.all(given) as unknown as (readonly unknown[])[];
      const columns = found.map(({ name, type }, index) => ({
        name,
        ...describedAs(type, rows.find((row) => row[index] !== null)?.[index]),
      }));
      return { columns, rows, count: rows.length };
    } catch (error) {
      throw serverError(error);
    }
  }
}

/** Oracle's words translated to SQLite's. */
function translate(text: string): string {
  if (/^CREATE TABLE /i.test(text)) return createTable(text);
  return text
    .replaceAll(/\s+FROM DUAL\b/gi, '')
    .replaceAll(/\bDBTIMEZONE\b/g, "'+00:00'")
    .replaceAll(/ FOR UPDATE( SKIP LOCKED)?/gi, '')
    .replaceAll(/ FETCH FIRST (\d+) ROWS ONLY/gi, ' LIMIT $1')
    .replaceAll(/PAUSE\(:?\w+\)/gi, "'x'")
    .replaceAll(/(?<![\d']):(\d+)\b/g, ':v$1')
    .replaceAll(/\b(?:DATE|TIMESTAMP) '/g, "'");
}

/** Values that do not fit the type are refused, which SQLite does not do by itself. */
function createTable(text: string): string {
  const [, name = '', columns = ''] = /^CREATE TABLE (\S+) \(([^]*)\)$/i.exec(text) ?? [];
  const made = columns.split(/,(?![^(]*\))/).map((one) => column(one.trim()));
  return `CREATE TABLE ${name} (${made.join(', ')})`;
}

function column(declared: string): string {
  const [, name = '', type = '', size = '', rest = ''] =
    /^(\w+)\s+(\w+)(\([^)]*\))?\s*([^]*)$/.exec(declared) ?? [];
  if (/GENERATED/i.test(rest)) return `"${name}" INTEGER PRIMARY KEY AUTOINCREMENT`;
  const key = /PRIMARY KEY/i.test(rest) ? `${rest} NOT NULL` : rest;
  if (/^VARCHAR2?$/i.test(type) && size !== '') {
    return `"${name}" ${type}${size} ${key} CONSTRAINT "length ${name}" CHECK (length("${name}") <= ${size.slice(1, -1)})`;
  }
  if (/INT/i.test(type)) {
    return `"${name}" ${type} ${key} CONSTRAINT "type ${name}" CHECK (typeof("${name}") IN ('integer', 'null'))`;
  }
  return `"${name}" ${type}${size} ${key}`;
}

const ERRORS: readonly (readonly [RegExp, number, (found: string) => string])[] = [
  [/no such table: (\S+)/, 942, (name) => `table or view "CLINIC"."${name}" does not exist`],
  [
    /no such column: (\S+)|has no column named (\S+)/,
    904,
    (name) => `"${name}": invalid identifier`,
  ],
  [/syntax error|incomplete input/, 900, () => 'invalid SQL statement'],
  [/UNIQUE constraint failed: (\S+)/, 1, (name) => `unique constraint (CLINIC.${name}) violated`],
  [
    /NOT NULL constraint failed: (\S+)/,
    1400,
    (name) => `cannot insert NULL into ("CLINIC"."T"."${name}")`,
  ],
  [
    /CHECK constraint failed: length (\S+)/,
    12_899,
    (name) => `value too large for column "CLINIC"."T"."${name}" (actual: 90, maximum: 4)`,
  ],
  [/CHECK constraint failed: type/, 1722, () => 'invalid number'],
  [/CHECK constraint failed: (\S+)/, 2290, (name) => `check constraint (CLINIC.${name}) violated`],
];

function serverError(error: unknown): unknown {
  const { message = '' } = error as { message?: string };
  for (const [pattern, number, text] of ERRORS) {
    const found = pattern.exec(message);
    if (found !== null) return new OracleError(number, text(found[1] ?? found[2] ?? ''));
  }
  return error;
}
