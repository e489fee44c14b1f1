import { describeError } from '../../../error/engine-error.ts';
import { firstReached } from '../../../peer/first-reached.ts';
import {
  bindAccount,
  entryOf,
  provenPerson,
  toldPerson,
  untypable,
} from '../../../peer/ldap/directory-person.ts';
import { groupsOf, mappedName, type Person } from '../../../peer/ldap/groups.ts';
import {
  connectLdap,
  type LdapConnection,
  type LdapServer,
} from '../../../peer/ldap/ldap-connection.ts';
import { LdapFailure } from '../../../peer/ldap/ldap-failure.ts';
import type { Identity } from '../../rights/principal-for.ts';
import type { DelegatedAttempt } from '../delegated-attempt.ts';
import { mappedIdentity } from '../mapped-identity.ts';
import { SignInRefusal } from '../sign-in-refusal.ts';
import { type DirectorySettings, NAMES } from './directory-settings.ts';

/** A directory (LDAP) by whose passwords people sign in. */
export interface Directory {
  readonly name: string;
  /**
   * Who it is; or, as a text for the administrator, why it is nobody of this directory: another one may know them. Rejects with
   * a SignInRefusal where the directory knows the person and refuses, with a DirectoryFailure where it could not be asked.
   */
  check(attempt: DelegatedAttempt): Promise<Identity | string>;
  /** The same for a person who was identified in another way; the account of the settings searches. */
  find(user: string): Promise<Identity | string>;
}

/** A directory that could not be asked. */
export class DirectoryFailure extends SignInRefusal {
  /** @param isUndecided no password was checked */
  constructor(name: string, cause: unknown, { isUndecided }: { readonly isUndecided: boolean }) {
    const { why, remedy } = told(cause);
    const isThere = cause instanceof LdapFailure && cause.problem !== 'busy';
    super(
      {
        status: 503,
        text: isThere
          ? 'signing in does not work right now; an administrator can see why'
          : 'the directory that knows your password cannot be asked right now: try again later; an administrator can see why',
        isUndecided,
      },
      `${name}: ${why}`,
      `${remedy}; waybill user try shows each step`,
    );
  }
}

export interface WhyRefused {
  readonly why: string;
  readonly remedy: string;
}

/** Milliseconds for all that one sign-in asks of a directory. */
const PATIENCE = 30_000;

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
  const ask = async (
    question: (connection: LdapConnection) => Promise<Identity | string>,
  ): Promise<Identity | string> => {
    try {
      await using connection = await connect();
      return await question(connection);
    } catch (error) {
      if (error instanceof SignInRefusal) throw error;
      throw new DirectoryFailure(name, error, { isUndecided: true });
    }
  };
  return {
    name,
    check: async (attempt) =>
      untypable(attempt) ?? ask((connection) => identified(connection, settings, attempt)),
    find: (user) => ask((connection) => known(connection, settings, user)),
  };
}

/** There is no client certificate in the settings. */
export const NOTHING_LENT = {
  credential: (): Promise<never> => Promise.reject(new Error('no certificate is named')),
};

/** Cause and remedy of what went wrong with a directory. */
export function told(error: unknown): WhyRefused {
  if (error instanceof LdapFailure) return { why: error.what, remedy: error.remedy };
  const [why = '', ...remedy] = describeError(error).text.split('. ');
  return { why, remedy: remedy.join('. ').replace(/\.$/, '') || 'look at the directory’s log' };
}

async function identified(
  connection: LdapConnection,
  settings: DirectorySettings,
  attempt: DelegatedAttempt,
): Promise<Identity | string> {
  const proven = await provenPerson(connection, settings, attempt);
  if ('nobody' in proven) return proven.nobody;
  if ('refused' in proven) throw refusedPerson(settings.name, proven.refused);
  if ('untold' in proven)
    throw new DirectoryFailure(settings.name, proven.untold, { isUndecided: false });
  return identityOf(settings, proven.person, proven.groups);
}

export function identityOf(
  settings: DirectorySettings,
  { entry }: Person,
  groups: readonly string[],
): Identity {
  const { rolesFrom, roles = {} } = settings;
  const names = groups.map((group) => mappedName(group, Object.keys(roles)));
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

async function known(
  connection: LdapConnection,
  settings: DirectorySettings,
  user: string,
): Promise<Identity | string> {
  await bindAccount(connection, settings);
  const entry = await entryOf(connection, settings, user);
  if (entry === undefined) return 'no entry below base fits the filter';
  const person = { entry, user };
  return identityOf(settings, person, await groupsOf(connection, settings, person));
}

function refusedPerson(name: string, failure: LdapFailure): SignInRefusal {
  return new SignInRefusal(
    { status: 401, text: toldPerson(failure) ?? 'user or password is wrong' },
    `${name}: ${failure.what}`,
    failure.remedy,
  );
}
