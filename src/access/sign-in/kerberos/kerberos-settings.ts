import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { KerberosProblem } from '../../../peer/kerberos/kerberos-problem.ts';
import { type KeytabEntry, principalsIn, readKeytab } from '../../../peer/kerberos/keytab.ts';
import { nameText, principalText } from '../../../peer/kerberos/principal.ts';
import { milliseconds } from '../../../time/duration.ts';
import type { ConsoleFile, IdentityMapping, KerberosFile, LdapFile } from '../console-schema.ts';

/** An entry of `kerberos` in `console.yaml` with all defaults filled in. */
export interface KerberosSettings extends IdentityMapping {
  readonly name: string;
  readonly title: string;
  /** The absolute path of the keytab. */
  readonly keytab: string;
  /** The name whose keys count; undefined takes those of `HTTP/…`. */
  readonly principal: string | undefined;
  /** The realms whose people are taken; undefined takes that of the keytab. */
  readonly realms: readonly string[] | undefined;
  /** Whether names are taken in lower case, since the realm does not tell cases apart. */
  readonly ignoreCase: boolean;
  /** Milliseconds by which clocks may differ. */
  readonly clockSkew: number;
  /** The entry of `ldap` whose groups count. */
  readonly ldap: string | undefined;
}

const CLOCK_SKEW = 5 * 60_000;
const MOST_SKEW = 15 * 60_000;

export function kerberosSettings(written: KerberosFile, folder: string): KerberosSettings {
  const { name, title = name, principal, realms, ignoreCase = false, clockSkew, ldap } = written;
  const { user, rolesFrom = 'principal', roles, everybody, scope } = written;
  return {
    name,
    title,
    keytab: resolve(folder, written.keytab),
    principal,
    realms,
    ignoreCase,
    clockSkew: (clockSkew === undefined ? undefined : milliseconds(clockSkew)) ?? CLOCK_SKEW,
    ldap,
    user,
    rolesFrom,
    roles,
    everybody,
    scope,
  };
}

/** The keys that open tickets for us, read now, so that a renewed keytab counts. Throws a KerberosProblem that names the file. */
export function ownKeys({
  keytab,
  principal,
}: Pick<KerberosSettings, 'keytab' | 'principal'>): KeytabEntry[] {
  const all = readKeytab(bytesOf(keytab), keytab);
  const own = all.filter((key) =>
    principal === undefined
      ? /^http$/i.test(key.principal.parts[0] ?? '')
      : [principalText(key.principal), nameText(key.principal.parts)].includes(principal),
  );
  if (own.length > 0) return own;
  throw new KerberosProblem(
    `${keytab} has no key of ${principal ?? 'a name HTTP/…'}, but of ${principalsIn(all)}`,
    'Export a key of HTTP/<name of the console>, or name one of these as principal',
  );
}

function bytesOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const { code = 'unreadable' } = error as NodeJS.ErrnoException;
    throw new KerberosProblem(
      `the keytab ${file} cannot be read: ${code}`,
      'Put it there, readable for the account of Waybill and for nobody else',
    );
  }
}

/** What is wrong with one entry of `kerberos` beyond its shape, each with its key. */
export function kerberosProblems(
  written: KerberosFile,
  { ldap = [] }: ConsoleFile,
  folder: string,
): string[] {
  const settings = kerberosSettings(written, folder);
  const { realms = [] } = settings;
  return [
    ...keytabProblems(settings),
    ...(settings.clockSkew > MOST_SKEW ? ['clockSkew: at most 15m; rather set the clocks'] : []),
    ...directoryProblems(settings, ldap),
    ...realms.flatMap((realm) =>
      realm === realm.toUpperCase() ? [] : [`realms: ${realm} is usually written in capitals`],
    ),
  ];
}

function directoryProblems(
  { ldap: named, roles, everybody }: KerberosSettings,
  ldap: readonly LdapFile[],
): string[] {
  if (named === undefined) return [];
  const directory = ldap.find(({ name }) => name === named);
  return [
    ...(directory === undefined ? [`ldap: there is no directory ${named} under ldap`] : []),
    ...(directory?.bindAs === undefined
      ? []
      : [`ldap: ${named} has no account that searches; it needs one for this`]),
    ...((roles ?? everybody) === undefined
      ? []
      : ['roles: with ldap, roles are those of the directory; leave these out']),
  ];
}

function keytabProblems(settings: KerberosSettings): string[] {
  try {
    ownKeys(settings);
    return [];
  } catch (error) {
    if (!(error instanceof KerberosProblem)) throw error;
    return [`keytab: ${error.message}; ${error.remedy}`];
  }
}
