import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { PERSON_FILTER, type PersonSettings } from '../../../peer/ldap/directory-person.ts';
import { GROUP_FILTER, MEMBER_OF } from '../../../peer/ldap/groups.ts';
import type { LdapServer } from '../../../peer/ldap/ldap-connection.ts';
import { filledFilter, filterProblem } from '../../../peer/ldap/ldap-text.ts';
import { milliseconds } from '../../../time/duration.ts';
import { isLoopback } from '../../../web/networks.ts';
import type { IdentityMapping, LdapFile } from '../console-schema.ts';

/** An entry of `ldap` in `console.yaml` with all defaults filled in. */
export interface DirectorySettings extends IdentityMapping, PersonSettings {
  readonly name: string;
  readonly servers: readonly LdapServer[];
}

const TIMEOUT = 5_000;

/** Where a name is looked for if `user` does not say. */
export const NAMES = ['sAMAccountName', 'uid'];

export function directorySettings(written: LdapFile, folder: string): DirectorySettings {
  const {
    name,
    account,
    password = '',
    bindAs,
    base,
    filter = PERSON_FILTER,
    groups,
    nested,
  } = written;
  const { user, roles, everybody, scope = [], rolesFrom = MEMBER_OF } = written;
  const inScope = scope.flatMap((one) => /\{([^}]+)\}/.exec(one)?.[1] ?? []);
  return {
    name,
    servers: written.servers.map((url) => serverOf(url, written, folder)),
    account: account === undefined ? undefined : { name: account, password },
    bindAs,
    base,
    filter,
    groups:
      groups === undefined
        ? undefined
        : { base: groups.base, filter: groups.filter ?? GROUP_FILTER },
    nested: nested ?? false,
    user,
    roles,
    everybody,
    scope: written.scope,
    rolesFrom,
    groupsFrom: rolesFrom,
    attributes: [...NAMES, ...(user === undefined ? [] : [user]), ...inScope],
  };
}

function serverOf(
  url: string,
  { startTls = false, trust, serverName, timeout }: LdapFile,
  folder: string,
): LdapServer {
  const { secure, host, port } = placeIn(url);
  return {
    address: { host, port },
    security: secure ? 'tls' : startTls ? 'starttls' : 'none',
    tls: {
      trust: trust === undefined ? undefined : resolve(folder, trust),
      certificate: undefined,
      serverName,
      verifyName: true,
      allow: [],
      crl: undefined,
      minimum: 'TLSv1.2',
      ciphers: undefined,
    },
    timeout: (timeout === undefined ? undefined : milliseconds(timeout)) ?? TIMEOUT,
  };
}

function placeIn(url: string): {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
} {
  const { protocol, hostname, port } = new URL(url);
  const secure = protocol === 'ldaps:';
  const host = hostname.replace(/^\[|\]$/g, '');
  return { secure, host, port: port === '' ? (secure ? 636 : 389) : Number(port) };
}

/** What is wrong with one entry of `ldap` beyond its shape, each with its key. */
export function directoryProblems(written: LdapFile, folder: string): string[] {
  const { account, password, bindAs, filter = PERSON_FILTER, groups, trust } = written;
  return [
    ...((account === undefined) === (bindAs === undefined)
      ? ['account: write either account and password, which search for the person, or bindAs']
      : []),
    ...((account === undefined) === (password === undefined)
      ? []
      : ['password: account and password belong together']),
    ...holed('bindAs', bindAs),
    ...holed('filter', filter),
    ...filterFaults('filter', filter),
    ...filterFaults('groups.filter', groups?.filter ?? GROUP_FILTER),
    ...(trust === undefined || existsSync(resolve(folder, trust))
      ? []
      : [`trust: there is no file ${trust}`]),
    ...written.servers.flatMap((url) => encryptionProblem(url, written)),
  ];
}

const filterFaults = (key: string, filter: string): string[] => {
  const problem = filterProblem(filledFilter(filter, { user: 'x', dn: 'cn=x' }));
  return problem === undefined ? [] : [`${key}: ${problem}`];
};

function encryptionProblem(url: string, { startTls = false }: LdapFile): string[] {
  if (!URL.canParse(url)) return [`servers: ${url} is not an address such as ldaps://dc1.example`];
  const { secure, host } = placeIn(url);
  if (secure && startTls) return [`startTls: ${url} begins with TLS; write ldap:// for StartTLS`];
  if (secure || startTls || isLoopback(host)) return [];
  return [`servers: ${url} would get passwords without encryption; write ldaps:// or startTls`];
}

const holed = (key: string, text: string | undefined): string[] =>
  text === undefined || text.includes('{user}')
    ? []
    : [`${key}: write {user} where the name goes that was typed`];
