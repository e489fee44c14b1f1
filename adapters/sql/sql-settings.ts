import { setting } from 'waybill/adapter';
import { placeOf, tlsClient } from 'waybill/peer';

const PRODUCTS = {
  postgresql: 'PostgreSQL, and what uses its protocol; usually port 5432',
  mysql: 'MySQL and MariaDB; usually port 3306',
  sqlserver: 'Microsoft SQL Server and Azure SQL; usually port 1433',
  sqlite: 'SQLite: a local file',
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
      help: 'The name of a SQL Server instance without a fixed port. Its port is then looked up: connect names the SQL Server Browser, usually port 1434 (UDP).',
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
      help: 'SQLite: the database file, which must exist. Other programs may have it open too.',
      example: '/var/lib/lab/lab.db',
    }),
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
export const placeOfDatabase = ({ connect, file }: SqlConnectionValues): string =>
  connect === undefined ? (file ?? 'no database') : placeOf(connect);
