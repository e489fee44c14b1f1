import { isIP } from 'node:net';
import { DisableError, type SettingsFault } from 'waybill/adapter';
import { missingPackage } from 'waybill/peer';
import type { SqlConnectionValues } from './sql-settings.ts';

/** What is wrong with how a database is to be reached. */
export const connectionFaults = (values: SqlConnectionValues): SettingsFault[] =>
  values.product === 'sqlite'
    ? fileFaults(values)
    : [
        ...serverFaults(values),
        ...securityFaults(values),
        ...accountFaults(values),
        ...(values.product === 'sqlserver' ? sqlserverFaults(values) : strangeFaults(values)),
      ];

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
    ...Object.entries(needless)
      .filter(([, value]) => value !== undefined)
      .map(([path]) => ({
        path: [path],
        what: 'has no effect with product: sqlite, which is a file of this machine',
        remedy: 'Take it away.',
      })),
  ];
}

function serverFaults({ connect, database, file }: SqlConnectionValues): SettingsFault[] {
  const faults: SettingsFault[] = [];
  if (connect === undefined) {
    faults.push({ path: ['connect'], what: 'is missing', remedy: 'Name the server and its port.' });
  }
  if (database === '') {
    faults.push({
      path: ['database'],
      what: 'is missing',
      remedy: 'Name the database on the server.',
    });
  }
  if (file !== undefined) {
    faults.push({
      path: ['file'],
      what: 'is for SQLite alone',
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
      what: 'the server is not proven: whoever is on the way can put himself in its place, and gets password and rows',
      remedy:
        'Have a certificate of its own set up at the server, put that or its authority under tls.trust, and set security: tls.',
      severity: 'warning',
    });
  }
  if (security === 'none' && !isLocal(connect)) {
    faults.push({
      path: ['security'],
      what: 'nothing is encrypted: everybody on the way can read the rows, and mostly the password',
      remedy: 'Have TLS switched on at the server, and set security: tls.',
      severity: 'warning',
    });
  }
  return faults;
}

function accountFaults({ credential, tls, user, product }: SqlConnectionValues): SettingsFault[] {
  const faults: SettingsFault[] = [];
  const isCertificateEnough = product !== 'sqlserver' && tls?.certificate !== undefined;
  if (credential === undefined && !isCertificateEnough) {
    faults.push({
      path: ['credential'],
      what:
        product === 'sqlserver'
          ? 'nobody signs in: there is no credential, and SQL Server takes no certificate for it'
          : 'nobody signs in: there is neither a credential nor a certificate under tls',
      remedy: 'Name a credential, or a certificate and the user it is for.',
    });
  }
  if (credential === undefined && user === undefined) {
    faults.push({
      path: ['user'],
      what: 'it is not known which account signs in',
      remedy: 'Set user, or name a credential.',
    });
  }
  return faults;
}

function sqlserverFaults({ security, tls }: SqlConnectionValues): SettingsFault[] {
  const faults: SettingsFault[] = [];
  const install = missingPackage('tedious');
  if (install !== undefined) {
    faults.push({
      path: ['product'],
      what: 'the package tedious, which speaks with SQL Server, is not installed beside this engine',
      remedy: `Install it where the production runs: ${install}.`,
      severity: 'warning',
    });
  }
  if (security === 'tls' && tls?.minimum === 'TLSv1.3') {
    faults.push({
      path: ['tls', 'minimum'],
      what: 'cannot be reached with security: tls, in which SQL Server speaks TLS 1.2',
      remedy: 'Set security: strict (SQL Server from 2022 on, Azure SQL), or minimum: TLSv1.2.',
    });
  }
  return faults;
}

/** What only SQL Server has. */
function strangeFaults({ security, instance, readOnly }: SqlConnectionValues): SettingsFault[] {
  const strange = [
    { path: 'security', isSet: security === 'strict' || security === 'unproven' },
    { path: 'instance', isSet: instance !== undefined },
    { path: 'readOnly', isSet: readOnly },
  ];
  return strange
    .filter(({ isSet }) => isSet)
    .map(({ path }) => ({
      path: [path],
      what: path === 'security' ? `${security} is for SQL Server alone` : 'is for SQL Server alone',
      remedy: 'Set product: sqlserver, or take it away.',
    }));
}

const isLocal = (connect: SqlConnectionValues['connect']): boolean => {
  const host = connect?.host ?? 'localhost';
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
};

/** Throws the first of those that are more than a warning: for whoever opens without a check before. */
export function refuseFaults(faults: readonly SettingsFault[]): void {
  const fault = faults.find(({ severity }) => severity === undefined);
  if (fault === undefined) return;
  throw new DisableError(`${fault.path.join('.')}: ${fault.what}. ${fault.remedy}`);
}
