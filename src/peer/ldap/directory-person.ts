import { EngineError } from '../../error/engine-error.ts';
import { type GroupSettings, groupsOf, type Person } from './groups.ts';
import type { LdapConnection, LdapEntry } from './ldap-connection.ts';
import { type AccountState, LdapFailure } from './ldap-failure.ts';
import { filledFilter, filledName } from './ldap-text.ts';

/** How a directory finds the person who types a name, and checks their password. */
export interface PersonSettings extends GroupSettings {
  /** Who searches; undefined where people sign in by `bindAs`. */
  readonly account: { readonly name: string; readonly password: string } | undefined;
  readonly bindAs: string | undefined;
  readonly base: string;
  readonly filter: string;
  /** What is read of the entry besides its groups. */
  readonly attributes: readonly string[];
}

export interface TypedIn {
  readonly user: string;
  readonly password: string;
}

/**
 * Who it is, or why nobody: `nobody` if the directory does not know them, `refused` if it does and does not let them in,
 * `untold` if the password was sent to it and no answer says whether it is right.
 */
export type Proven =
  | { readonly person: Person; readonly groups: readonly string[] }
  | { readonly nobody: string }
  | { readonly refused: LdapFailure }
  | { readonly untold: Error };

/** Active Directory has the second and third, most others the first. */
export const PERSON_FILTER = '(|(uid={user})(sAMAccountName={user})(userPrincipalName={user}))';

const UNPRINTABLE = /\p{Cc}/u;
/** Longer than any name or password that a directory knows. */
const LONGEST = 1_000;

/** Why what was typed is nobody's, before a directory is asked. */
export function untypable({ user, password }: TypedIn): string | undefined {
  if (UNPRINTABLE.test(user) || user.length > LONGEST) {
    return 'the name has characters that no name has';
  }
  return password === '' ? 'there is no password' : undefined;
}

/** Finds the person and tries the password on their entry. Rejects if that cannot be asked; no password was checked then. */
export async function provenPerson(
  connection: LdapConnection,
  settings: PersonSettings,
  { user, password }: TypedIn,
): Promise<Proven> {
  const { bindAs } = settings;
  if (bindAs === undefined) await bindAccount(connection, settings);
  else {
    const own = await tried(connection, nameFor(bindAs, user), password);
    if (own instanceof Untold) return { untold: own.failure };
    if (own?.account !== undefined && KNOWN.has(own.account)) return { refused: own };
    if (own !== undefined) return { nobody: own.what };
  }
  const entry = await entryOf(connection, settings, user);
  if (entry === undefined) return { nobody: 'no entry below base fits the filter' };
  const person = { entry, user };
  const groups = await groupsOf(connection, settings, person);
  // also after bindAs: the entry that was found must be that of whoever knows the password
  const refused = await tried(connection, entry.dn, password);
  if (refused instanceof Untold) return { untold: refused.failure };
  return refused === undefined ? { person, groups } : { refused };
}

/** Signs in who searches. */
export async function bindAccount(
  connection: LdapConnection,
  { account }: Pick<PersonSettings, 'account'>,
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

/** A password was sent, and no answer says whether it is right. */
class Untold {
  readonly failure: Error;

  constructor(failure: Error) {
    this.failure = failure;
  }
}

/** The refusal of a name and password; undefined if they are right. Throws if the server was too busy to look at them. */
async function tried(
  connection: LdapConnection,
  name: string,
  password: string,
): Promise<LdapFailure | Untold | undefined> {
  try {
    await connection.bind(name, password);
    return undefined;
  } catch (error) {
    // a name that is no DN for this server belongs to nobody; 53 is how some say that an account is disabled
    if (error instanceof LdapFailure && (PERSONAL.has(error.result) || error.problem === 'base')) {
      return error;
    }
    if (!(error instanceof EngineError)) throw error;
    if (error instanceof LdapFailure && error.problem === 'busy') throw error;
    return new Untold(error);
  }
}

const PERSONAL = new Set([19, 48, 49, 53]);

/** The person's entry. Throws if several fit, since it would be arbitrary whose rights count. */
export async function entryOf(
  connection: LdapConnection,
  { base, filter, attributes, groupsFrom }: PersonSettings,
  typed: string,
): Promise<LdapEntry | undefined> {
  const { entries, more } = await connection.search({
    base,
    scope: 'sub',
    filter: filledFilter(filter, { user: typed }),
    attributes: [...attributes, groupsFrom],
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

/** What a refused person may know of the cause; undefined if it is that user or password is wrong. */
export const toldPerson = ({ account }: LdapFailure): string | undefined =>
  account === undefined ? undefined : TO_PERSON[account];
