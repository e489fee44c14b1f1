import { setting } from 'waybill/adapter';
import { placeOf, tlsClient } from 'waybill/peer';

export const PRODUCTS = {
  postgresql: 'PostgreSQL, and what speaks its protocol; mostly port 5432',
  mysql: 'MySQL and MariaDB; mostly port 3306',
  sqlserver: 'Microsoft SQL Server and Azure SQL; mostly port 1433',
  sqlite: 'SQLite: a file of this machine',
} as const;

export type ProductName = keyof typeof PRODUCTS;

/** How to reach a database: the same for both directions. */
export const sqlSettings = {
  product: setting.choice(PRODUCTS, {
    help: 'Which database it is.',
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
      help: 'The name of an instance of SQL Server whose port is not fixed. Its port is then asked for: connect names the SQL Server Browser, mostly port 1434 (UDP).',
      example: 'LAB',
    }),
  ),
  database: setting.text({
    help: 'The name of the database on the server. SQLite has none.',
    example: 'laboratory',
    default: '',
  }),
  file: setting.optional(
    setting.path({
      help: 'SQLite: the file of the database, which must be there. Other programs may have it open too.',
      example: '/var/lib/lab/lab.db',
    }),
  ),
  credential: setting.optional(
    setting.credential({
      help: 'Who signs in: user and password, a token where the server takes one, or a Windows account (ntlm) for SQL Server. Left out, the certificate under tls signs in and user names the account.',
      example: 'laboratory-reader',
      kinds: ['basic', 'bearer', 'oauth2', 'ntlm'],
    }),
  ),
  user: setting.optional(
    setting.text({
      help: 'The account, where the credential has no user: with a certificate or a token.',
      example: 'waybill',
      advanced: true,
    }),
  ),
  security: setting.choice(
    {
      tls: 'always encrypted, and the server is proven by its certificate before anything is sent',
      strict:
        'SQL Server from 2022 on and Azure SQL (TDS 8): as tls, and TLS begins before the first byte of the protocol, so that TLS 1.3 is possible',
      unproven:
        'SQL Server only: always encrypted, but whoever answers is believed, as with trustServerCertificate; for a server that makes a new certificate at each start',
      none: 'no encryption: everybody on the way can read the rows, and mostly the password too',
    },
    {
      help: 'How the connection is encrypted. There is nothing in between: a server that offers no TLS, or shows a certificate that is not trusted, gets neither password nor rows.',
      default: 'tls',
    },
  ),
  tls: tlsClient('How the server is checked. Left out, the public authorities are trusted.'),
  connectTimeout: setting.duration({
    help: 'How long connecting and signing in may take.',
    default: '15s',
    advanced: true,
  }),
  timeout: setting.duration({
    help: 'How long one statement may take, waiting for locks included. Then it is cancelled at the server.',
    default: '30s',
  }),
  application: setting.text({
    help: 'The name under which administrators of the server see our connections.',
    default: 'waybill',
    advanced: true,
  }),
  readOnly: setting.flag({
    help: 'SQL Server: tells an availability group that nothing will be written (ApplicationIntent=ReadOnly), so that it may send us on to a copy that can be read. SQLite: the file is opened for reading alone.',
    default: false,
    advanced: true,
  }),
  idle: setting.duration({
    help: 'How long a connection is kept that nobody uses; it is opened again when needed.',
    default: '2m',
    advanced: true,
  }),
};

export type SqlConnectionValues = setting.ValuesOf<typeof sqlSettings>;

/** Where the database is, for people. */
export const placeOfDatabase = ({ connect, file }: SqlConnectionValues): string =>
  connect === undefined ? (file ?? 'no database') : placeOf(connect);
