import { isIP } from 'node:net';
import { DisableError, type SettingsFault } from 'waybill/adapter';
import { missingPackage } from 'waybill/peer';
import type { SqlConnectionValues } from './sql-settings.ts';

/** Faults in the settings of how to reach a database. */
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
        what: 'has no effect with product: sqlite, which is a local file',
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
  const isCertificateEnough = product !== 'sqlserver' && tls?.certificate !== undefined;
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
  const faults: SettingsFault[] = [];
  const install = missingPackage('tedious');
  if (install !== undefined) {
    faults.push({
      path: ['product'],
      what: 'the package tedious, which connects to SQL Server, is not installed with this engine',
      remedy: `Install it where the production runs: ${install}.`,
      severity: 'warning',
    });
  }
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
