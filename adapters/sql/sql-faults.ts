import { isIP } from 'node:net';
import { DisableError, type SettingsFault } from 'waybill/adapter';
import { missingPackage } from 'waybill/peer/basics';
import type { SqlConnectionValues } from './sql-settings.ts';

/** Faults in the settings of how to reach a database. */
export const connectionFaults = (values: SqlConnectionValues): SettingsFault[] => {
  if (values.product === 'sqlite') return [...fileFaults(values), ...odbcOnlyFaults(values)];
  return values.product === 'odbc'
    ? odbcFaults(values)
    : [
        ...odbcOnlyFaults(values),
        ...serverFaults(values),
        ...securityFaults(values),
        ...accountFaults(values),
        ...(values.product === 'oracle'
          ? packageFaults(
              'oracledb',
              'the package oracledb, which connects to Oracle, is not installed with this engine',
            )
          : []),
        ...(values.product === 'sqlserver' ? sqlserverFaults(values) : strangeFaults(values)),
      ];
};

/** The password of a connection string would stand in the production's files. */
const SECRET = /(?:^|;)\s*(?:pwd|password)\s*=/i;

function odbcFaults(values: SqlConnectionValues): SettingsFault[] {
  const { odbc, connect, file, instance, tls, security, readOnly } = values;
  const faults: SettingsFault[] = needlessFaults(
    { connect, file, instance, tls, readOnly: readOnly || undefined },
    'has no effect with product: odbc, where the connection string says how to connect',
  );
  if (odbc === undefined) {
    faults.push({
      path: ['odbc'],
      what: 'is missing',
      remedy: 'Write a connection string, such as DSN=laboratory.',
    });
  } else if (SECRET.test(odbc)) {
    faults.push({
      path: ['odbc'],
      what: 'holds a password, which would be shown to everybody who sees the production',
      remedy: 'Take PWD away, and name a credential with user and password.',
    });
  }
  if (security !== 'tls') {
    faults.push({
      path: ['security'],
      what: 'has no effect with product: odbc, where the driver encrypts as it is set',
      remedy: 'Take it away, and set TLS in odbc.ini or the connection string.',
    });
  }
  return [
    ...faults,
    ...packageFaults(
      'odbc',
      'the package odbc, which connects to ODBC drivers, is not installed with this engine',
    ),
  ];
}

const odbcOnlyFaults = ({ odbc }: SqlConnectionValues): SettingsFault[] =>
  odbc === undefined
    ? []
    : [{ path: ['odbc'], what: 'is for ODBC only', remedy: 'Set product: odbc, or take it away.' }];

function packageFaults(name: string, what: string): SettingsFault[] {
  const install = missingPackage(name);
  if (install === undefined) return [];
  return [
    {
      path: ['product'],
      what,
      remedy: `Install it where the production runs: ${install}.`,
      severity: 'warning',
    },
  ];
}

const needlessFaults = (
  needless: Readonly<Record<string, unknown>>,
  what: string,
): SettingsFault[] =>
  Object.entries(needless)
    .filter(([, value]) => value !== undefined)
    .map(([path]) => ({ path: [path], what, remedy: 'Take it away.' }));

function fileFaults({
  file,
  connect,
  database,
  credential,
  instance,
  tls,
}: SqlConnectionValues): SettingsFault[] {
  const needless = { connect, database: database || undefined, credential, instance, tls };
  return [
    ...(file === undefined
      ? [{ path: ['file'], what: 'is missing', remedy: 'Name the file of the SQLite database.' }]
      : []),
    ...needlessFaults(needless, 'has no effect with product: sqlite, which is a local file'),
  ];
}

function serverFaults({
  connect,
  database,
  file,
  product,
  instance,
}: SqlConnectionValues): SettingsFault[] {
  const faults: SettingsFault[] = [];
  if (connect === undefined) {
    faults.push({ path: ['connect'], what: 'is missing', remedy: 'Name the server and its port.' });
  }
  const isNamed = database !== '' || (product === 'oracle' && instance !== undefined);
  if (!isNamed) {
    faults.push({
      path: ['database'],
      what: 'is missing',
      remedy: 'Name the database on the server.',
    });
  }
  if (file !== undefined) {
    faults.push({
      path: ['file'],
      what: 'is for SQLite only',
      remedy: 'Set product: sqlite, or take it away.',
    });
  }
  return faults;
}

function securityFaults({ security, connect, tls }: SqlConnectionValues): SettingsFault[] {
  const faults: SettingsFault[] = [];
  if ((security === 'none' || security === 'unproven') && tls !== undefined) {
    faults.push({
      path: ['tls'],
      what: `has no effect with security: ${security}`,
      remedy: 'Set security: tls, or remove the block.',
    });
  }
  if (security === 'unproven' && !isLocal(connect)) {
    faults.push({
      path: ['security'],
      what: 'the server is not verified: anyone on the network path can impersonate it, and gets the password and rows',
      remedy:
        'Have a permanent certificate installed on the server, put that or its authority under tls.trust, and set security: tls.',
      severity: 'warning',
    });
  }
  if (security === 'none' && !isLocal(connect)) {
    faults.push({
      path: ['security'],
      what: 'nothing is encrypted: anyone on the network path can read the rows, and usually the password',
      remedy: 'Have TLS enabled on the server, and set security: tls.',
      severity: 'warning',
    });
  }
  return faults;
}

function accountFaults({ credential, tls, user, product }: SqlConnectionValues): SettingsFault[] {
  const faults: SettingsFault[] = [];
  const isCertificateEnough =
    product !== 'sqlserver' && product !== 'oracle' && tls?.certificate !== undefined;
  if (credential === undefined && !isCertificateEnough) {
    faults.push({
      path: ['credential'],
      what:
        product === 'sqlserver'
          ? 'nobody signs in: there is no credential, and SQL Server does not accept a certificate instead'
          : 'nobody signs in: there is neither a credential nor a certificate under tls',
      remedy: 'Name a credential, or a certificate and its user.',
    });
  }
  if (credential === undefined && user === undefined) {
    faults.push({
      path: ['user'],
      what: 'it is unknown which account signs in',
      remedy: 'Set user, or name a credential.',
    });
  }
  return faults;
}

function sqlserverFaults({ security, tls }: SqlConnectionValues): SettingsFault[] {
  const faults = packageFaults(
    'tedious',
    'the package tedious, which connects to SQL Server, is not installed with this engine',
  );
  if (security === 'tls' && tls?.minimum === 'TLSv1.3') {
    faults.push({
      path: ['tls', 'minimum'],
      what: 'cannot be met with security: tls, where SQL Server uses TLS 1.2',
      remedy: 'Set security: strict (SQL Server from 2022 on, Azure SQL), or minimum: TLSv1.2.',
    });
  }
  return faults;
}

/** Settings that only SQL Server has. */
function strangeFaults({
  security,
  instance,
  readOnly,
  product,
}: SqlConnectionValues): SettingsFault[] {
  const strange = [
    { path: 'security', isSet: security === 'strict' || security === 'unproven' },
    { path: 'instance', isSet: instance !== undefined && product !== 'oracle' },
    { path: 'readOnly', isSet: readOnly },
  ];
  return strange
    .filter(({ isSet }) => isSet)
    .map(({ path }) => ({
      path: [path],
      what: path === 'security' ? `${security} is for SQL Server only` : 'is for SQL Server only',
      remedy: 'Set product: sqlserver, or take it away.',
    }));
}

const isLocal = (connect: SqlConnectionValues['connect']): boolean => {
  const host = connect?.host ?? 'localhost';
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
};

/** Throws the first that is more than a warning, for opening without a previous check. */
export function refuseFaults(faults: readonly SettingsFault[]): void {
  const fault = faults.find(({ severity }) => severity === undefined);
  if (fault === undefined) return;
  throw new DisableError(`${fault.path.join('.')}: ${fault.what}. ${fault.remedy}`);
}
