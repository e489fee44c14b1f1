import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { type PeerResult, SqlServerError } from './tds-token.ts';

export type Values = Readonly<Record<string, SQLInputValue>>;

/** The user of a session, as returned by the server's functions. */
export interface SessionWho {
  readonly login: string;
  readonly database: string;
  /** `SQL`, `NTLM` … */
  readonly scheme: string;
}

/** A procedure: statements with its parameters as variables, and the source of its outputs. */
export interface Procedure {
  readonly parameters: readonly string[];
  readonly statements: readonly string[];
  readonly outputs?: Readonly<Record<string, string>>;
}

const BUSY = 5;
const NONE: PeerResult = { columns: [], rows: [], count: undefined };

/**
 * A session of the peer: SQLite executes what is common to both, after SQL Server's own syntax is
 * replaced. A transaction locks the whole database, where the real server locks rows.
 */
export class TsqlSession {
  readonly #database: DatabaseSync;
  readonly #procedures: ReadonlyMap<string, Procedure>;
  isInTransaction = false;

  constructor(file: string, who: SessionWho, procedures: ReadonlyMap<string, Procedure>) {
    this.#procedures = procedures;
    this.#database = new DatabaseSync(file, { timeout: 0 });
    this.#database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF');
    const tell = (name: string, value: string): void =>
      this.#database.function(name, { varargs: true }, () => value);
    for (const name of ['SUSER_SNAME', 'ORIGINAL_LOGIN']) tell(name, who.login);
    tell('USER_NAME', 'dbo');
    tell('DB_NAME', who.database);
    this.#database.function('SERVERPROPERTY', (name) =>
      name === 'EngineEdition' ? 3 : '16.0.4150.1',
    );
    tell('CONNECTIONPROPERTY', who.scheme);
  }

  /** A batch, or the argument of `sp_executesql`. */
  async carryOut(text: string, values: Values, signal: AbortSignal): Promise<PeerResult[]> {
    const variables: Record<string, SQLInputValue> = { ...values };
    const results: PeerResult[] = [];
    let most = 0;
    for (const one of statementsOf(text)) {
      const limit = /^SET ROWCOUNT (\d+)$/i.exec(one)?.[1];
      if (limit === undefined) results.push(await this.#one(one, variables, { most, signal }));
      else most = Number(limit);
    }
    return results;
  }

  async begin(signal: AbortSignal): Promise<void> {
    await this.#unlocked(() => this.#database.exec('BEGIN IMMEDIATE'), signal);
    this.isInTransaction = true;
  }

  commit(): void {
    if (!this.isInTransaction) {
      throw new SqlServerError(
        3902,
        'The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.',
      );
    }
    this.#database.exec('COMMIT');
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

  async #one(
    text: string,
    variables: Record<string, SQLInputValue>,
    { most, signal }: { readonly most: number; readonly signal: AbortSignal },
  ): Promise<PeerResult> {
    if (/^SET /i.test(text) || this.#declare(text, variables)) return NONE;
    const [, described] = /^EXEC sp_describe_first_result_set N'(.*)'$/is.exec(text) ?? [];
    if (described !== undefined) return this.#describe(described.replaceAll("''", "'"), variables);
    const [, name, given = ''] = /^EXEC(?:UTE)? ([\w.]+)\s*(.*)$/is.exec(text) ?? [];
    if (name !== undefined) return await this.#call(name, given, variables, signal);
    const [, pause] = /dbo\.pause\((@?\w+)\)/i.exec(text) ?? [];
    if (pause !== undefined) {
      await sleep(Number(this.#value(pause, variables)), undefined, { signal });
    }
    const translated = translate(text.replaceAll(/dbo\.pause\(@?\w+\)/gi, "'x'"));
    return await this.#unlocked(() => this.#run(translated, variables, most), signal);
  }

  /** `DECLARE @x BIGINT = 1`; false for any other statement. */
  #declare(text: string, variables: Record<string, SQLInputValue>): boolean {
    const [, name, initial] = /^DECLARE @(\w+) [\w()]+(?: = (.+))?$/is.exec(text) ?? [];
    if (name === undefined) return false;
    variables[name] = initial === undefined ? null : this.#value(initial, variables);
    return true;
  }

  #value(expression: string, variables: Values): SQLOutputValue {
    const { rows } = this.#run(`SELECT ${expression}`, variables, 1);
    return (rows[0]?.[0] ?? null) as SQLOutputValue;
  }

  #describe(text: string, variables: Values): PeerResult {
    const [, name] = /^EXEC(?:UTE)? ([\w.]+)/i.exec(text) ?? [];
    if (name !== undefined) this.#procedure(name);
    else this.#prepared(translate(text), variables);
    return { columns: [{ name: 'is_hidden', type: 'BIT' }], rows: [], count: 0 };
  }

  #procedure(name: string): Procedure {
    const found = this.#procedures.get(name.replace(/^dbo\./i, ''));
    if (found !== undefined) return found;
    throw new SqlServerError(2812, `Could not find stored procedure '${name}'.`);
  }

  async #call(
    name: string,
    given: string,
    variables: Record<string, SQLInputValue>,
    signal: AbortSignal,
  ): Promise<PeerResult> {
    const { parameters, statements, outputs = {} } = this.#procedure(name);
    const own: Record<string, SQLInputValue> = {};
    const backTo = new Map<string, string>();
    for (const [index, one] of given.split(',').filter(Boolean).entries()) {
      const [, value = '', output] =
        /^(?:@\w+\s*=\s*)?(.*?)( OUT(?:PUT)?)?$/is.exec(one.trim()) ?? [];
      const parameter = parameters[index] ?? '';
      own[parameter] = this.#value(value, variables);
      if (output !== undefined) backTo.set(parameter, value.slice(1));
    }
    let last = NONE;
    for (const statement of statements) {
      const result = await this.#one(statement, own, { most: 0, signal });
      if (result.columns.length > 0 || last.columns.length === 0) last = result;
    }
    for (const [parameter, variable] of backTo) {
      variables[variable] = this.#value(outputs[parameter] ?? 'NULL', own);
    }
    return last;
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

  #prepared(text: string, variables: Values): ReturnType<DatabaseSync['prepare']> {
    try {
      const statement = this.#database.prepare(text);
      statement.setAllowUnknownNamedParameters(true);
      statement.setReadBigInts(true);
      statement.setReturnArrays(true);
      return statement;
    } catch (error) {
      throw serverError(error, variables);
    }
  }

  #run(text: string, variables: Values, most: number): PeerResult {
    const statement = this.#prepared(text, variables);
    try {
      const columns = statement.columns().map(({ name, type }) => ({ name, type }));
      if (columns.length === 0) {
        return { columns, rows: [], count: Number(statement.run(variables).changes) };
      }
      const rows: (readonly unknown[])[] = [];
      for (const row of statement.iterate(variables)) {
        if (most > 0 && rows.length === most) break;
        rows.push(row as unknown as readonly unknown[]);
      }
      return { columns, rows, count: rows.length };
    } catch (error) {
      throw serverError(error, variables);
    }
  }
}

/** The statements of a batch; those of a BEGIN … END block are also run one after another. */
const statementsOf = (text: string): readonly string[] =>
  text
    .replace(/^\s*BEGIN\s([^]*?);?\s*END\s*$/i, '$1')
    .split(/;(?=(?:[^']*'[^']*')*[^']*$)/)
    .map((one) => one.trim())
    .filter((one) => one !== '');

/** T-SQL syntax translated to SQLite's. */
function translate(text: string): string {
  if (/^CREATE TABLE /i.test(text)) return createTable(text);
  const changed = text
    .replaceAll(/ WITH \([A-Z, ]+\)/gi, '')
    .replaceAll(/CONVERT\((?:n?varchar\(\d+\)|int), ([^()]*\([^()]*\))\)/gi, '$1')
    .replaceAll(/\b0x([0-9a-f]+)\b/gi, "x'$1'")
    .replaceAll(/\bN'/g, "'")
    .replaceAll(/ OFFSET 0 ROWS FETCH NEXT (\d+) ROWS ONLY/gi, ' LIMIT $1');
  const taken = /^(DELETE FROM \w+) OUTPUT deleted\.(\w+)(.*)$/is.exec(changed);
  return taken === null ? changed : `${taken[1]}${taken[3]} RETURNING ${taken[2]}`;
}

/** Types are kept as declared, so that a column's values can be sent with them; values that do not fit are refused. */
function createTable(text: string): string {
  const [, name = '', columns = ''] = /^CREATE TABLE (\S+) \(([^]*)\)$/i.exec(text) ?? [];
  return `CREATE TABLE ${name} (${columns
    .split(/,(?![^(]*\))/)
    .map((one) => column(one.trim()))
    .join(', ')})`;
}

function column(declared: string): string {
  const [, name = '', type = '', size = '', rest = ''] =
    /^(\w+)\s+(\w+)(\([^)]*\))?\s*([^]*)$/.exec(declared) ?? [];
  if (/^IDENTITY/i.test(rest)) return `[${name}] INTEGER PRIMARY KEY AUTOINCREMENT`;
  const kept = /^(DECIMAL|MONEY)$/i.test(type)
    ? `${type}TEXT${size}`
    : `${type}${/MAX/i.test(size) ? 'MAX' : size}`;
  const key = /PRIMARY KEY/i.test(rest) ? `${rest} NOT NULL` : rest;
  return `[${name}] ${kept} ${key} ${ruleFor(name, type, size)}`;
}

/** Values that do not fit the type are refused, which SQLite does not do by itself. */
function ruleFor(name: string, type: string, size: string): string {
  if (/^(BIG)?INT$/i.test(type)) {
    return `CONSTRAINT "type ${name}" CHECK (typeof([${name}]) IN ('integer', 'null'))`;
  }
  return /^N?VARCHAR$/i.test(type) && /\d/.test(size)
    ? `CONSTRAINT "length ${name}" CHECK (length([${name}]) <= ${size.slice(1, -1)})`
    : '';
}

/** The server's numbers and texts, which quote values. */
const ERRORS: readonly (readonly [RegExp, number, (found: string, values: string) => string])[] = [
  [/no such table: (\S+)/, 208, (name) => `Invalid object name '${name}'.`],
  [
    /no such column: (\S+)|has no column named (\S+)/,
    207,
    (name) => `Invalid column name '${name}'.`,
  ],
  [/syntax error|incomplete input/, 102, () => "Incorrect syntax near '1'."],
  [
    /NOT NULL constraint failed: (\S+)/,
    515,
    (name) =>
      `Cannot insert the value NULL into column '${name}', table 'clinic.dbo.t'; column does not allow nulls. INSERT fails.`,
  ],
  [
    /CHECK constraint failed: length (\S+)/,
    2628,
    (name, values) =>
      `String or binary data would be truncated in table 'clinic.dbo.t', column '${name}'. Truncated value: '${values}'.`,
  ],
  [/CHECK constraint failed: type/, 8114, () => 'Error converting data type nvarchar to bigint.'],
  [
    /CHECK constraint failed: (\S+)/,
    547,
    (name) => `The INSERT statement conflicted with the CHECK constraint "${name}".`,
  ],
];
const PRIMARY_KEY = 1555;
const UNIQUE = 2067;

const textOf = (value: SQLInputValue): string =>
  ArrayBuffer.isView(value) ? 'bytes' : String(value);

function serverError(error: unknown, variables: Values): unknown {
  const { errcode, message = '' } = error as { errcode?: number; message?: string };
  const values = Object.values(variables).map(textOf).join(', ');
  if (errcode === PRIMARY_KEY) {
    return new SqlServerError(
      2627,
      `Violation of PRIMARY KEY constraint 'PK_t'. Cannot insert duplicate key in object 'dbo.t'. The duplicate key value is (${values}).`,
    );
  }
  if (errcode === UNIQUE) {
    return new SqlServerError(
      2601,
      `Cannot insert duplicate key row in object 'dbo.t' with unique index 'IX_t'. The duplicate key value is (${values}).`,
    );
  }
  for (const [pattern, number, text] of ERRORS) {
    const found = pattern.exec(message);
    if (found !== null) return new SqlServerError(number, text(found[1] ?? found[2] ?? '', values));
  }
  return error;
}
