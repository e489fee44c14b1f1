import { describeError } from '../../../error/engine-error.ts';
import { firstReached } from '../../../peer/first-reached.ts';
import {
  connectLdap,
  type LdapConnection,
  type LdapEntry,
  type LdapServer,
} from '../../../peer/ldap/ldap-connection.ts';
import { type AccountState, LdapFailure } from '../../../peer/ldap/ldap-failure.ts';
import { filledFilter, filledName } from '../../../peer/ldap/ldap-text.ts';
import type { Identity } from '../../rights/principal-for.ts';
import type { DelegatedAttempt } from '../delegated-attempt.ts';
import { mappedIdentity } from '../mapped-identity.ts';
import { SignInRefusal } from '../sign-in-refusal.ts';
import type { DirectorySettings } from './directory-settings.ts';
import { groupsOf, mappedName, type Person } from './groups.ts';

/** A directory (LDAP) by whose passwords people sign in. */
export interface Directory {
  readonly name: string;
  /**
   * Who it is; or, as a text for the administrator, why it is nobody of this directory: another one may know them. Rejects with
   * a SignInRefusal where the directory knows the person and refuses, with a DirectoryFailure where it could not be asked.
   */
  check(attempt: DelegatedAttempt): Promise<Identity | string>;
}

/** A directory that could not be asked. */
export class DirectoryFailure extends SignInRefusal {
  constructor(name: string, { why, remedy }: Told) {
    super(
      { status: 401, text: 'signing in does not work right now; an administrator can see why' },
      `${name}: ${why}`,
      `${remedy}; waybill user try shows each step`,
    );
  }
}

export interface Told {
  readonly why: string;
  readonly remedy: string;
}

/** Milliseconds for all that one sign-in asks of a directory. */
const PATIENCE = 30_000;
const UNPRINTABLE = /\p{Cc}/u;
/** Longer than any name or password that a directory knows. */
const LONGEST = 1_000;

export function directory(settings: DirectorySettings): Directory {
  const { name } = settings;
  let servers = settings.servers;
  /** The one that answered comes first from now on, so that a dead one costs its time-out once. */
  const connect = async (): Promise<LdapConnection> => {
    const signal = AbortSignal.timeout(PATIENCE);
    const open = async (server: LdapServer): Promise<LdapConnection> => {
      const connection = await connectLdap(NOTHING_LENT, server, signal);
      servers = [server, ...servers.filter((one) => one !== server)];
      return connection;
    };
    return firstReached(servers, open, { signal, what: 'directory server' });
  };
  return {
    name,
    async check(attempt) {
      if (UNPRINTABLE.test(attempt.user) || attempt.user.length > LONGEST) {
        return 'the name has characters that no name has';
      }
      if (attempt.password === '') return 'there is no password';
      try {
        await using connection = await connect();
        return await identified(connection, settings, attempt);
      } catch (error) {
        if (error instanceof SignInRefusal) throw error;
        throw new DirectoryFailure(name, told(error));
      }
    },
  };
}

/** There is no client certificate in the settings. */
export const NOTHING_LENT = {
  credential: (): Promise<never> => Promise.reject(new Error('no certificate is named')),
};

/** Cause and remedy of what went wrong with a directory. */
export function told(error: unknown): Told {
  if (error instanceof LdapFailure) return { why: error.what, remedy: error.remedy };
  const [why = '', ...remedy] = describeError(error).text.split('. ');
  return { why, remedy: remedy.join('. ').replace(/\.$/, '') || 'look at the directory’s log' };
}

async function identified(
  connection: LdapConnection,
  settings: DirectorySettings,
  attempt: DelegatedAttempt,
): Promise<Identity | string> {
  const { bindAs } = settings;
  if (bindAs === undefined) await bindAccount(connection, settings);
  else {
    const refused = await refusalOf(connection, nameFor(bindAs, attempt.user), attempt.password);
    if (refused?.account !== undefined && KNOWN.has(refused.account)) {
      throw refusedPerson(settings.name, refused);
    }
    if (refused !== undefined) return refused.what;
  }
  const entry = await entryOf(connection, settings, attempt.user);
  if (entry === undefined) return 'no entry below base fits the filter';
  const person = { entry, user: attempt.user };
  const groups = await groupsOf(connection, settings, person);
  // also after bindAs: the entry that was found must be that of whoever knows the password
  const refused = await refusalOf(connection, entry.dn, attempt.password);
  if (refused !== undefined) throw refusedPerson(settings.name, refused);
  return identityOf(settings, person, groups);
}

/** Signs in who searches. */
export async function bindAccount(
  connection: LdapConnection,
  { account }: Pick<DirectorySettings, 'account'>,
): Promise<void> {
  if (account === undefined) return;
  try {
    await connection.bind(account.name, account.password);
  } catch (error) {
    if (!(error instanceof LdapFailure) || error.problem !== 'sign-in') throw error;
    const { problem, result, remedy, account: state } = error;
    const what = `the account that searches is refused: ${error.what}`;
    throw new LdapFailure({ problem, result, what, remedy, account: state });
  }
}

/** Who types a whole name (`user@domain`, `DOMAIN\user`) is not given another domain. */
export function nameFor(bindAs: string, user: string): string {
  const isWhole = bindAs.startsWith('{user}@') ? /[@\\]/.test(user) : false;
  return isWhole ? user : filledName(bindAs, { user });
}

/** The refusal of a name and password; undefined if they are right. */
async function refusalOf(
  connection: LdapConnection,
  name: string,
  password: string,
): Promise<LdapFailure | undefined> {
  try {
    await connection.bind(name, password);
    return undefined;
  } catch (error) {
    // a name that is no DN for this server belongs to nobody; 53 is how some say that an account is disabled
    if (error instanceof LdapFailure && (PERSONAL.has(error.result) || error.problem === 'base')) {
      return error;
    }
    throw error;
  }
}

const PERSONAL = new Set([19, 48, 49, 53]);

/** The person's entry. Throws if several fit, since it would be arbitrary whose rights count. */
export async function entryOf(
  connection: LdapConnection,
  { base, filter, user, rolesFrom, scope = [] }: DirectorySettings,
  typed: string,
): Promise<LdapEntry | undefined> {
  const inScope = scope.flatMap((one) => /\{([^}]+)\}/.exec(one)?.[1] ?? []);
  const { entries, more } = await connection.search({
    base,
    scope: 'sub',
    filter: filledFilter(filter, { user: typed }),
    attributes: [...NAMES, ...(user === undefined ? [] : [user]), rolesFrom, ...inScope],
    most: 1,
    pageSize: 2,
  });
  if (!more) return entries[0];
  throw new LdapFailure({
    problem: 'refused',
    result: 0,
    what: 'several entries fit the filter, so it is not certain who this is',
    remedy: 'Narrow base or filter',
  });
}

/** Where a name is looked for if `user` does not say. */
const NAMES = ['sAMAccountName', 'uid'];

export function identityOf(
  settings: DirectorySettings,
  { entry }: Person,
  groups: readonly string[],
): Identity {
  const { rolesFrom, roles = {} } = settings;
  const names = groups.map((group) => mappedName(group, roles));
  return mappedIdentity(
    (attribute) => {
      if (attribute === rolesFrom) return names;
      const values = entry.values(attribute);
      return values.length === 1 ? values[0] : values;
    },
    settings,
    {
      via: `ldap ${settings.name}`,
      defaultUser: NAMES.find((one) => entry.values(one).length > 0) ?? 'uid',
    },
  );
}

/** States that Active Directory only tells of an account it knows. */
const KNOWN: ReadonlySet<AccountState> = new Set([
  'hours',
  'workstation',
  'password-expired',
  'disabled',
  'expired',
  'must-change',
  'locked',
  'not-granted',
]);

/** What the person may know: Active Directory tells these only to whoever gave the right password. */
const TO_PERSON: Partial<Record<AccountState, string>> = {
  hours: 'this account may not sign in at this time',
  'password-expired': 'this password has expired: set a new one in the directory, then sign in',
  disabled: 'this account is disabled',
  expired: 'this account has expired',
  'must-change': 'this password must be changed in the directory first',
};

function refusedPerson(name: string, { what, remedy, account }: LdapFailure): SignInRefusal {
  const text = account === undefined ? undefined : TO_PERSON[account];
  return new SignInRefusal(
    { status: 401, text: text ?? 'user or password is wrong' },
    `${name}: ${what}`,
    remedy,
  );
}
