import { isIP } from 'node:net';
import type { SettingsFault } from 'waybill/adapter';
import type { SqlConnectionValues } from './sql-settings.ts';

/** What is wrong with how a database is to be reached. */
export function connectionFaults(values: SqlConnectionValues): SettingsFault[] {
  const { security, connect, credential, tls, user } = values;
  const faults: SettingsFault[] = [];
  if (security === 'none' && tls !== undefined) {
    faults.push({
      path: ['tls'],
      what: 'has no effect with security: none',
      remedy: 'Set security: tls, or remove the block.',
    });
  }
  if (security === 'none' && !isLocal(connect.host)) {
    faults.push({
      path: ['security'],
      what: 'nothing is encrypted: everybody on the way can read the rows, and mostly the password',
      remedy: 'Have TLS switched on at the server, and set security: tls.',
      severity: 'warning',
    });
  }
  if (credential === undefined && tls?.certificate === undefined) {
    faults.push({
      path: ['credential'],
      what: 'nobody signs in: there is neither a credential nor a certificate under tls',
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

const isLocal = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
