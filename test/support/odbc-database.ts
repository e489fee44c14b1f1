import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { SECRET_MARKER } from '../contract/marker.ts';
import { postgresDatabase, type SqlDatabase, USER } from './sql-databases.ts';
import { POSTGRES_WORDS } from './sql-words.ts';
import { tcpGate } from './tcp-gate.ts';

/** Debian's drivers (odbc-postgresql, odbc-mariadb, libsqliteodbc), as odbcinst.ini names them. */
const DRIVERS = {
  postgresql: ['PostgreSQL Unicode', 'psqlodbcw.so'],
  maria: ['MariaDB Unicode', 'libmaodbc.so'],
  sqlite: ['SQLite3', 'libsqlite3odbc.so'],
} as const;

/** Why tests with a driver cannot run here; undefined if they can. */
export function odbcLacks(driver: keyof typeof DRIVERS): string | undefined {
  try {
    createRequire(import.meta.url)('odbc');
  } catch (error) {
    return `the package odbc is not compiled here: ${(error as Error).message.split('\n')[0]}`;
  }
  const [, library] = DRIVERS[driver];
  return existsSync(`/usr/lib/x86_64-linux-gnu/odbc/${library}`)
    ? undefined
    : `the driver ${library} is not installed`;
}

export const driverName = (driver: keyof typeof DRIVERS): string => DRIVERS[driver][0];

/** PostgreSQL by its own ODBC driver; undefined where one of both is missing. */
export async function odbcDatabase(): Promise<SqlDatabase | undefined> {
  if (odbcLacks('postgresql') !== undefined) return undefined;
  const database = await postgresDatabase();
  if (database === undefined) return undefined;
  const given = (port = database.port): Readonly<Record<string, unknown>> => ({
    product: 'odbc',
    odbc: `Driver=${driverName('postgresql')};Servername=localhost;Port=${port};Database=clinic;SSLmode=verify-full;pqopt={sslrootcert=${database.certificates.trust}};BoolsAsChar=0;KeepaliveTime=5`,
    credential: 'clinic',
    paging: 'limit',
  });
  return {
    ...database,
    product: 'odbc',
    words: {
      ...POSTGRES_WORDS,
      // ODBC has no type for a time with a zone, and none for JSON; of a decimal 15 digits are exact
      manyTypes:
        'n INT PRIMARY KEY, big BIGINT, dec_ NUMERIC(15,10), dbl FLOAT8, local_ TIMESTAMP, moment TEXT, day DATE, bytes BYTEA, txt TEXT, yes BOOLEAN, nothing INT',
      insertMany: (table) => [
        `INSERT INTO ${table} VALUES (1, 9007199254740993, 1.10, 0.1, '2026-03-29 02:30:00.123456', '2026-07-01T10:00:00.5Z', '2026-01-31', '\\x00ff', 'Müller "x"', true, NULL)`,
      ],
      manyMore: '"nothing":null',
    },
    given,
    async gate() {
      const gate = await tcpGate(database.port);
      return { ...gate, given: given(gate.port) };
    },
    options: {
      credentials: {
        ...database.options.credentials,
        clinic: { kind: 'basic', user: USER, password: SECRET_MARKER },
      },
    },
  };
}
