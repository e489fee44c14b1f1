/** Where the products' SQL differs, for tests that are the same for all. */
export interface SqlWords {
  /** An auto-incrementing first column. */
  readonly counting: string;
  /** The type of a text of unlimited length. */
  readonly longText: string;
  /** The type of a time to the microsecond, without a zone. */
  readonly microseconds: string;
  readonly bytes: string;
  /** A day in JSON, where it has a time. */
  readonly day?: string;
  /** Whether an empty text is the same as NULL. */
  readonly emptyIsNull?: boolean;
  /** Bytes given as hexadecimal digits. */
  bytesOf(digits: string): string;
  /** A text in quotes. */
  quoted(text: string): string;
  /** Columns of many types, beginning with `n`. */
  readonly manyTypes: string;
  /** Statements that put one row with known values into such a table. */
  insertMany(table: string): readonly string[];
  /** The product-specific part of such a row, in JSON. */
  readonly manyMore: string;
  /** A query that locks what it reads, and one that skips what others have locked. */
  locking(query: string): string;
  skipping(columns: string, table: string, rest: string): string;
  /** An expression that takes this many milliseconds, given as a number or an expression. */
  pause(milliseconds: number | string): string;
  /** A query that also deletes its rows, if supported. */
  takingItself(table: string): string | undefined;
  /** A procedure that inserts two values into a table and returns the first plus one, as `next`. */
  procedure(table: string): { readonly make: readonly string[]; readonly call: string } | undefined;
  /** Whether a row read in a transaction is locked until its end, instead of being checked again by the commit. */
  readonly locksWhatItReads: boolean;
  /** Whether a constraint of a table can refuse a commit. */
  readonly mayRefuseCommits: boolean;
  /** Whether two transactions can each lock a row and wait for the other's. */
  readonly locksRows: boolean;
  /** How the server's refusals of a statement are reported. */
  readonly temporary: string;
  /** The server's own text for a refusal; undefined if it does not refuse that. */
  readonly said: Readonly<Record<'duplicate' | 'constraint', RegExp>> & { readonly value?: RegExp };
  /** The protocol of `security: tls`. */
  readonly tls: string;
  /** Whether a statement continues at the server when the connection is cut. */
  readonly isRemote: boolean;
}

export const POSTGRES_WORDS: SqlWords = {
  counting: 'n BIGSERIAL PRIMARY KEY',
  longText: 'TEXT',
  microseconds: 'TIMESTAMP(6)',
  bytes: 'BYTEA',
  bytesOf: (digits) => `'\\x${digits}'`,
  quoted: (text) => `'${text.replaceAll("'", "''")}'`,
  manyTypes:
    'n INT PRIMARY KEY, big BIGINT, dec_ NUMERIC(30,10), dbl FLOAT8, local_ TIMESTAMP, moment TIMESTAMPTZ, day DATE, bytes BYTEA, txt TEXT, yes BOOLEAN, nothing INT, doc JSONB',
  insertMany: (table) => [
    "SET TimeZone = 'Europe/Berlin'",
    `INSERT INTO ${table} VALUES (1, 9007199254740993, 1.10, 0.1, '2026-03-29 02:30:00.123456', '2026-07-01 12:00:00.5+02', '2026-01-31', '\\x00ff', 'Müller "x"', true, NULL, '{"a":[1,2.50]}')`,
  ],
  manyMore: '"doc":{"a": [1, 2.50]}',
  locking: (query) => `${query} FOR UPDATE`,
  skipping: (columns, table, rest) =>
    `SELECT ${columns} FROM ${table} ${rest} FOR UPDATE SKIP LOCKED`,
  pause: (milliseconds) => `length(pg_sleep(0.001 * (${milliseconds})::int)::text)`,
  takingItself: (table) => `DELETE FROM ${table} RETURNING n`,
  procedure: (table) => ({
    make: [
      `CREATE PROCEDURE put_${table}(a BIGINT, b TEXT, INOUT next BIGINT) LANGUAGE plpgsql AS $$ BEGIN INSERT INTO ${table} VALUES (a, b); next := a + 1; END $$`,
    ],
    call: `CALL put_${table}({id}, {field("PID-3.1")}, 0)`,
  }),
  locksWhatItReads: false,
  mayRefuseCommits: true,
  locksRows: true,
  temporary: 'DEADLOCK',
  said: { duplicate: /duplicate key value/, constraint: /null/, value: /too long/ },
  tls: 'TLSv1.3',
  isRemote: true,
};

export const MYSQL_WORDS: SqlWords = {
  counting: 'n BIGINT AUTO_INCREMENT PRIMARY KEY',
  longText: 'LONGTEXT',
  microseconds: 'TIMESTAMP(6)',
  bytes: 'VARBINARY(10)',
  bytesOf: (digits) => `x'${digits}'`,
  quoted: (text) => `'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`,
  manyTypes:
    'n INT PRIMARY KEY, big BIGINT, dec_ DECIMAL(30,10), dbl DOUBLE, local_ DATETIME(6), moment TIMESTAMP(6) NULL, day DATE, bytes VARBINARY(10), txt TEXT, yes BIT(1), nothing INT',
  insertMany: (table) => [
    "SET time_zone = '+02:00'",
    `INSERT INTO ${table} VALUES (1, 9007199254740993, 1.10, 0.1, '2026-03-29 02:30:00.123456', '2026-07-01 12:00:00.5', '2026-01-31', x'00ff', 'Müller "x"', 1, NULL)`,
  ],
  manyMore: '"nothing":null',
  locking: (query) => `${query} FOR UPDATE`,
  skipping: (columns, table, rest) =>
    `SELECT ${columns} FROM ${table} ${rest} FOR UPDATE SKIP LOCKED`,
  pause: (milliseconds) => `SLEEP(0.001 * (${milliseconds}))`,
  takingItself: () => undefined,
  procedure: (table) => ({
    make: [
      `CREATE PROCEDURE put_${table}(a BIGINT, b VARCHAR(40)) BEGIN INSERT INTO ${table} VALUES (a, b); SELECT a + 1 AS next; END`,
    ],
    call: `CALL put_${table}({id}, {field("PID-3.1")})`,
  }),
  locksWhatItReads: false,
  mayRefuseCommits: false,
  locksRows: true,
  temporary: 'DEADLOCK',
  said: { duplicate: /Duplicate entry/, constraint: /null/, value: /too long/ },
  tls: 'TLSv1.3',
  isRemote: true,
};

export const SQLSERVER_WORDS: SqlWords = {
  counting: 'n BIGINT IDENTITY PRIMARY KEY',
  longText: 'NVARCHAR(MAX)',
  microseconds: 'DATETIME2(6)',
  bytes: 'VARBINARY(10)',
  bytesOf: (digits) => `0x${digits}`,
  quoted: (text) => `N'${text.replaceAll("'", "''")}'`,
  manyTypes:
    'n INT PRIMARY KEY, big BIGINT, dec_ DECIMAL(30,10), dbl FLOAT, local_ DATETIME2(6), moment DATETIMEOFFSET(6), day DATE, bytes VARBINARY(10), txt NVARCHAR(MAX), yes BIT, nothing INT, price MONEY, old DATETIME',
  insertMany: (table) => [
    `INSERT INTO ${table} VALUES (1, 9007199254740993, 1.10, 0.1, '2026-03-29 02:30:00.123456', '2026-07-01 12:00:00.500000 +02:00', '2026-01-31', 0x00ff, N'Müller "x"', 1, NULL, '-90071992547409.9321', '2026-01-31 23:59:59.997')`,
  ],
  manyMore: '"price":"-90071992547409.9321","old":"2026-01-31T23:59:59.997"',
  locking: (query) => query,
  skipping: (columns, table, rest) =>
    `SELECT ${columns} FROM ${table} WITH (UPDLOCK, READPAST) ${rest}`,
  pause: (milliseconds) => `dbo.pause(${milliseconds})`,
  takingItself: (table) => `DELETE FROM ${table} OUTPUT deleted.n`,
  procedure: (table) => ({
    make: [],
    call: `DECLARE @next BIGINT; EXEC put_${table} {id}, {field("PID-3.1")}, @next OUTPUT; SELECT @next AS next`,
  }),
  locksWhatItReads: true,
  mayRefuseCommits: false,
  locksRows: false,
  temporary: 'DEADLOCK',
  said: { duplicate: /duplicate key/, constraint: /NULL/, value: /truncated/ },
  tls: 'TLSv1.2',
  isRemote: true,
};

export const SQLITE_WORDS: SqlWords = {
  counting: 'n INTEGER PRIMARY KEY AUTOINCREMENT',
  longText: 'TEXT',
  microseconds: 'DATETIME',
  bytes: 'BLOB',
  bytesOf: (digits) => `x'${digits}'`,
  quoted: (text) => `'${text.replaceAll("'", "''")}'`,
  manyTypes:
    'n INT PRIMARY KEY, big BIGINT, dec_ TEXT, dbl REAL, local_ DATETIME, moment DATETIME, day DATE, bytes BLOB, txt TEXT, yes BOOLEAN, "nothing" INT',
  insertMany: (table) => [
    `INSERT INTO ${table} VALUES (1, 9007199254740993, '1.1000000000', 0.1, '2026-03-29T02:30:00.123456', '2026-07-01T10:00:00.5Z', '2026-01-31', x'00ff', 'Müller "x"', 1, NULL)`,
  ],
  manyMore: '"nothing":null',
  locking: (query) => query,
  skipping: (columns, table, rest) => `SELECT ${columns} FROM ${table} ${rest}`,
  // SQLite cannot wait: it counts
  pause: (milliseconds) =>
    `(WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 5000 * (${milliseconds})) SELECT max(x) FROM c)`,
  takingItself: (table) => `DELETE FROM ${table} RETURNING n`,
  procedure: () => undefined,
  locksWhatItReads: true,
  mayRefuseCommits: false,
  locksRows: false,
  temporary: 'BUSY',
  said: { duplicate: /UNIQUE constraint failed/, constraint: /NOT NULL constraint failed/ },
  tls: '',
  isRemote: false,
};

export const ORACLE_WORDS: SqlWords = {
  day: '2026-01-31T00:00:00',
  emptyIsNull: true,
  counting: 'n NUMBER(19) GENERATED ALWAYS AS IDENTITY PRIMARY KEY',
  longText: 'CLOB',
  microseconds: 'TIMESTAMP(6)',
  bytes: 'RAW(10)',
  bytesOf: (digits) => `HEXTORAW('${digits}')`,
  quoted: (text) => `'${text.replaceAll("'", "''")}'`,
  manyTypes:
    'n INT PRIMARY KEY, big INT, dec_ NUMTEXT(30,10), dbl BINARYDOUBLE, local_ TIMESTAMP(6), moment TIMESTAMPTZ, day DATE, bytes RAW(10), txt VARCHAR2(40), yes BOOLEAN, nothing INT, tiny NUMTEXT',
  insertMany: (table) => [
    `INSERT INTO ${table} VALUES (1, 9007199254740993, '1.1000000000', 0.1, '2026-03-29T02:30:00.123456', '2026-07-01T12:00:00.5+02:00', '2026-01-31', HEXTORAW('00ff'), 'Müller "x"', 1, NULL, '-0.000012')`,
  ],
  manyMore: '"tiny":"-0.000012"',
  locking: (query) => query,
  skipping: (columns, table, rest) =>
    `SELECT ${columns} FROM ${table} ${rest} FOR UPDATE SKIP LOCKED`,
  pause: (milliseconds) => `PAUSE(${milliseconds})`,
  takingItself: () => undefined,
  procedure: (table) => ({
    make: [],
    call: `BEGIN put_${table}({id}, {field("PID-3.1")}); END`,
  }),
  locksWhatItReads: true,
  mayRefuseCommits: false,
  locksRows: false,
  temporary: 'DEADLOCK',
  said: { duplicate: /unique constraint/, constraint: /NULL/, value: /too large/ },
  tls: 'TLSv1.3',
  isRemote: true,
};
