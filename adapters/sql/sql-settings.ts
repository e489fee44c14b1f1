import { setting } from 'waybill/adapter';
import { placeOf } from 'waybill/peer/basics';
import { tlsClient } from 'waybill/peer/tls';

const PRODUCTS = {
  postgresql: 'PostgreSQL, and what uses its protocol; usually port 5432',
  mysql: 'MySQL and MariaDB; usually port 3306',
  sqlserver: 'Microsoft SQL Server and Azure SQL; usually port 1433',
  oracle: 'Oracle from 12.1 on; usually port 1521, with TLS (TCPS) 2484',
  sqlite: 'SQLite: a local file',
  odbc: 'What else has an ODBC driver: InterSystems IRIS and Caché, Db2, Informix, Sybase, Progress',
} as const;

export type ProductName = keyof typeof PRODUCTS;

/** How to reach a database: the same for both directions. */
export const sqlSettings = {
  product: setting.choice(PRODUCTS, {
    help: 'The database product.',
    default: 'postgresql',
  }),
  connect: setting.optional(
    setting.address({
      help: 'The database server and its port. SQLite has none.',
      example: 'db.example:5432',
    }),
  ),
  instance: setting.optional(
    setting.text({
      help: 'The name of a SQL Server instance without a fixed port. Its port is then looked up: connect names the SQL Server Browser, usually port 1434 (UDP). Oracle: the SID, where there is no service name.',
      example: 'LAB',
    }),
  ),
  database: setting.text({
    help: 'The name of the database on the server; of Oracle, the service name. SQLite has none.',
    example: 'laboratory',
    default: '',
  }),
  file: setting.optional(
    setting.path({
      help: 'SQLite: the database file, which must exist. Other programs may have it open too.',
      example: '/var/lib/lab/lab.db',
    }),
  ),
  odbc: setting.optional(
    setting.text({
      help: 'ODBC: the connection string without user and password: a data source of odbc.ini, or a driver of odbcinst.ini with its own settings.',
      example: 'DSN=laboratory',
    }),
  ),
  paging: setting.choice(
    {
      none: 'the query is not limited: what follows the wanted rows is not fetched, but some drivers read all of it',
      fetch: 'FETCH FIRST n ROWS ONLY: Db2, the SQL standard',
      top: 'SELECT TOP n: IRIS, Caché, Sybase, Progress',
      first: 'SELECT FIRST n: Informix',
      limit: 'LIMIT n: databases that are like PostgreSQL or MySQL',
    },
    {
      help: 'ODBC, with key: how the database is told to return only so many rows of the query.',
      default: 'none',
      advanced: true,
    },
  ),
  credential: setting.optional(
    setting.credential({
      help: 'Who signs in: user and password, a token if the server accepts one, or a Windows account (ntlm) for SQL Server. If left out, the certificate under tls signs in and user names the account.',
      example: 'laboratory-reader',
      kinds: ['basic', 'bearer', 'oauth2', 'ntlm'],
    }),
  ),
  user: setting.optional(
    setting.text({
      help: 'The account, if the credential has no user: with a certificate or a token.',
      example: 'waybill',
      advanced: true,
    }),
  ),
  security: setting.choice(
    {
      tls: 'always encrypted, and the server is verified by its certificate before anything is sent',
      strict:
        'SQL Server from 2022 on and Azure SQL (TDS 8): like tls, but TLS begins before the first byte of the protocol, so TLS 1.3 is possible',
      unproven:
        'SQL Server only: always encrypted, but any server is trusted, as with trustServerCertificate; for a server that makes a new certificate at each start',
      none: 'no encryption: anyone on the network path can read the rows, and usually the password too',
    },
    {
      help: 'How the connection is encrypted. There is nothing in between: a server that offers no TLS, or shows a certificate that is not trusted, gets neither password nor rows.',
      default: 'tls',
    },
  ),
  tls: tlsClient('How the server is verified. If left out, the public authorities are trusted.'),
  connectTimeout: setting.duration({
    help: 'How long connecting and signing in may take.',
    default: '15s',
    advanced: true,
  }),
  timeout: setting.duration({
    help: 'How long one statement may take, including waiting for locks. Then it is cancelled on the server.',
    default: '30s',
  }),
  application: setting.text({
    help: 'The name by which administrators of the server see our connections.',
    default: 'waybill',
    advanced: true,
  }),
  readOnly: setting.flag({
    help: 'SQL Server: tells an availability group that nothing will be written (ApplicationIntent=ReadOnly), so that it may redirect us to a readable replica. SQLite: opens the file read-only.',
    default: false,
    advanced: true,
  }),
  idle: setting.duration({
    help: 'How long an idle connection is kept; it is opened again when needed.',
    default: '2m',
    advanced: true,
  }),
};

export type SqlConnectionValues = setting.ValuesOf<typeof sqlSettings>;

/** Where the database is, for display. */
export const placeOfDatabase = ({ connect, file, odbc }: SqlConnectionValues): string =>
  connect === undefined ? (file ?? odbcPlace(odbc)) : placeOf(connect);

/** `DSN=laboratory`, or the driver and the server of a connection string. */
function odbcPlace(text: string | undefined): string {
  const parts = (text ?? '').split(';').map((part) => part.trim());
  const named = parts.filter((part) =>
    /^(?:dsn|filedsn|driver|server|servername|host|hostname|port|database|namespace)\s*=/i.test(
      part,
    ),
  );
  return named.length === 0 ? 'no database' : named.join(';');
}

/** Whether there is no server at `connect` of which the engine knows. */
export const hasNoAddress = ({ product }: Pick<SqlConnectionValues, 'product'>): boolean =>
  product === 'sqlite' || product === 'odbc';
