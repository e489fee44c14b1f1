import { createHash } from 'node:crypto';
import { explained, type Lent } from '../../adapter/adapter.ts';
import type * as setting from '../../adapter/setting.ts';
import { type Step, StepFailure } from '../../adapter/test-step.ts';
import { EngineError } from '../../error/engine-error.ts';
import { firstReached } from '../first-reached.ts';
import { Refusal } from '../http-server/refusal.ts';
import {
  bindAccount,
  entryOf,
  type PersonSettings,
  provenPerson,
  toldPerson,
  untypable,
} from '../ldap/directory-person.ts';
import { groupsOf, mappedName, type Person } from '../ldap/groups.ts';
import { connectLdap, type LdapConnection, type LdapServer } from '../ldap/ldap-connection.ts';
import { LdapFailure } from '../ldap/ldap-failure.ts';
import { tryReachingLdap } from '../ldap/ldap-steps.ts';
import type { DirectoryValues } from './directory-settings.ts';
import { nobodyNow } from './nobody-now.ts';
import { scopeClaim } from './scope-map.ts';
import { ownClaims, type User, type Users } from './user.ts';

type LentHere = Pick<Lent<setting.Settings>, 'credential' | 'signal'>;

/** Milliseconds for all that one sign-in asks of a directory. */
const PATIENCE = 30_000;
/** Where a name is looked for if `user` does not say. */
const NAMES = ['sAMAccountName', 'uid'];
/** When the password was set: Active Directory, and what RFC 4511 servers keep. */
const CHANGED = ['pwdLastSet', 'pwdChangedTime'];

/** Users of a directory (LDAP). */
export class DirectoryUsers implements Users {
  readonly via = 'ldap';
  readonly #lent: LentHere;
  readonly #values: DirectoryValues;
  #servers: readonly LdapServer[];

  constructor(lent: LentHere, values: DirectoryValues) {
    this.#lent = lent;
    this.#values = values;
    this.#servers = serversOf(values);
  }

  async signedIn(name: string, password: string): Promise<User | 'wrong' | 'unknown'> {
    if (untypable({ user: name, password }) !== undefined) return 'unknown';
    const proven = await this.#asked((connection, settings) =>
      provenPerson(connection, settings, { user: name, password }),
    );
    if ('nobody' in proven) return 'unknown';
    // what may have been checked stays a try
    if ('untold' in proven) throw nobodyNow(away(proven.untold));
    if ('person' in proven) return userOf(proven.person, proven.groups, this.#values);
    const told = toldPerson(proven.refused);
    if (told === undefined) return 'wrong';
    throw new Refusal(401, `${told.charAt(0).toUpperCase()}${told.slice(1)}.`, {
      told: `the directory refuses a person: ${proven.refused.what}`,
    });
  }

  /** Without an account that searches, what was known at the sign-in stays until it ends. */
  async now(name: string, before: User): Promise<User | undefined> {
    if (this.#values.credential === undefined) return before;
    return this.#asked(async (connection, settings) => {
      await bindAccount(connection, settings);
      const entry = await entryOf(connection, settings, name);
      if (entry === undefined) return undefined;
      const person = { entry, user: name };
      return userOf(person, await groupsOf(connection, settings, person), this.#values);
    });
  }

  /** The one that answered comes first from now on, so that a dead one costs its time-out once. */
  async #asked<Value>(
    work: (connection: LdapConnection, settings: PersonSettings) => Promise<Value>,
  ): Promise<Value> {
    const signal = AbortSignal.any([AbortSignal.timeout(PATIENCE), this.#lent.signal]);
    try {
      const settings = await personSettings(this.#lent, this.#values);
      const open = async (server: LdapServer): Promise<LdapConnection> => {
        const connection = await connectLdap(this.#lent, server, signal);
        this.#servers = [server, ...this.#servers.filter((one) => one !== server)];
        return connection;
      };
      await using connection = await firstReached(this.#servers, open, {
        signal,
        what: 'directory server',
      });
      return await work(connection, settings);
    } catch (error) {
      throw error instanceof LdapFailure ? away(error) : error;
    }
  }
}

function away(error: Error): EngineError {
  const said = error instanceof LdapFailure ? `${error.what}. ${error.remedy}` : error.message;
  const cause = { retryable: true, cause: error };
  return new EngineError('CREDENTIAL_UNAVAILABLE', `the directory: ${said}`, cause);
}

const serversOf = ({ connect, security, tls, timeout }: DirectoryValues): LdapServer[] =>
  connect.map((address) => ({ address, security, tls, timeout }));

async function personSettings(
  { credential }: Pick<LentHere, 'credential'>,
  values: DirectoryValues,
): Promise<PersonSettings> {
  const { credential: name, user, claims } = values;
  const account = name === undefined ? undefined : await credential(name);
  return {
    ...values,
    account:
      account?.kind === 'basic' ? { name: account.user, password: account.password } : undefined,
    groups: values.groups,
    attributes: [...NAMES, ...CHANGED, ...claims, ...(user === undefined ? [] : [user])],
  };
}

function userOf(
  { entry, user }: Person,
  groups: readonly string[],
  { user: from, claims, scopes }: DirectoryValues,
): User {
  const named = scopes.map(({ group }) => group);
  const own = new Set(groups.map((group) => mappedName(group, named)));
  const told = claims.flatMap((name) => {
    const values = entry.values(name);
    return values.length === 0 ? [] : [[name, values.length === 1 ? values[0] : values] as const];
  });
  const changed = CHANGED.flatMap((name) => entry.values(name)).join(' ');
  return {
    name: (from === undefined ? NAMES : [from]).flatMap((one) => entry.values(one))[0] ?? user,
    claims: ownClaims({
      ...Object.fromEntries(told),
      ...scopeClaim(scopes, (group) => own.has(group)),
    }),
    proof: createHash('sha256').update(`${entry.dn}\n${changed}`).digest('base64url').slice(0, 22),
  };
}

/** The steps of a test: each server, and by the first that answers the account and what is below `base`. */
export async function tryDirectoryUsers(
  lent: LentHere,
  step: Step,
  values: DirectoryValues,
): Promise<void> {
  const servers = serversOf(values);
  for (const server of servers) await tryReachingLdap(lent, step, server);
  const [first] = servers;
  if (first === undefined || values.credential === undefined) return;
  const told: Step = (name, run) => step(name, (detail) => explained(async () => run(detail)));
  const settings = await personSettings(lent, values);
  await using connection = await connectLdap(lent, first, lent.signal);
  await told('account', async (detail) => {
    await bindAccount(connection, settings);
    detail(settings.account?.name ?? '');
  });
  await told('people', async (detail) => {
    const { entries } = await connection.search({
      base: values.base,
      scope: 'sub',
      filter: values.filter.replaceAll('{user}', '*'),
      attributes: ['1.1'],
      most: 1,
      pageSize: 2,
    });
    if (entries.length === 0) {
      throw new StepFailure(
        `nobody below ${values.base} fits the filter`,
        'Compare base and filter with an entry; the account may lack the right to read it',
      );
    }
    detail(`there are people below ${values.base}`);
  });
}
