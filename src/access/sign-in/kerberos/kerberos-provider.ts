import { type Accepted, accept } from '../../../peer/kerberos/acceptor.ts';
import { KerberosProblem } from '../../../peer/kerberos/kerberos-problem.ts';
import { nameText, principalText } from '../../../peer/kerberos/principal.ts';
import type { Identity } from '../../rights/principal-for.ts';
import type { Directory } from '../directory/directory.ts';
import { mappedIdentity } from '../mapped-identity.ts';
import type { UsedAssertions } from '../saml/used-assertions.ts';
import { SignInRefusal } from '../sign-in-refusal.ts';
import { type KerberosSettings, ownKeys } from './kerberos-settings.ts';

export interface KerberosSignedIn {
  readonly identity: Identity;
  /** What goes back after `Negotiate`; undefined if the browser wants nothing. */
  readonly answer: string | undefined;
}

/** A realm whose tickets sign people in. */
export interface KerberosProvider {
  readonly name: string;
  readonly title: string;
  /** Judges the token after `Negotiate`. Rejects with a SignInRefusal that says which check failed. */
  check(token: string): Promise<KerberosSignedIn>;
}

interface KerberosProviderOptions {
  readonly used: UsedAssertions;
  /** Where the person's groups are looked up. */
  readonly directory: Directory | undefined;
  readonly now?: () => number;
}

export function kerberosProvider(
  settings: KerberosSettings,
  { used, directory, now = Date.now }: KerberosProviderOptions,
): KerberosProvider {
  const { name, title } = settings;
  return {
    name,
    title,
    async check(token) {
      const accepted = accepts(settings, Buffer.from(token, 'base64'), now);
      const { id, until } = accepted.proof;
      if (!(await used.first(`kerberos ${name}`, id, until))) {
        throw refused(
          settings,
          'the same proof was used before',
          'Start again; it may have been intercepted',
        );
      }
      return {
        identity: await identityOf(settings, accepted, directory),
        answer: accepted.answer?.toString('base64'),
      };
    },
  };
}

function accepts(settings: KerberosSettings, token: Buffer, now: () => number): Accepted {
  try {
    const keys = ownKeys(settings);
    const realms = settings.realms ?? [...new Set(keys.map(({ principal }) => principal.realm))];
    return accept(token, { keys, realms, skew: settings.clockSkew, now });
  } catch (error) {
    if (!(error instanceof KerberosProblem)) throw error;
    throw refused(settings, error.message, error.remedy);
  }
}

const refused = ({ name }: KerberosSettings, why: string, remedy: string): SignInRefusal =>
  new SignInRefusal(
    { status: 401, text: 'this Windows or Kerberos sign-in is not accepted' },
    `${name}: ${why}`,
    remedy,
  );

/** The name without its realm counts, unless people of several realms are taken. */
async function identityOf(
  settings: KerberosSettings,
  { client }: Accepted,
  directory: Directory | undefined,
): Promise<Identity> {
  const folded = (text: string): string => (settings.ignoreCase ? text.toLowerCase() : text);
  const user = folded(nameText(client.parts));
  const told: Readonly<Record<string, string>> = {
    principal: settings.ignoreCase ? `${user}@${client.realm}` : principalText(client),
    user,
    realm: client.realm,
  };
  const via = `kerberos ${settings.name}`;
  if (directory === undefined) {
    const defaultUser = (settings.realms?.length ?? 1) > 1 ? 'principal' : 'user';
    return mappedIdentity((name) => told[name], settings, { via, defaultUser });
  }
  const found = await directory.find(user);
  if (typeof found !== 'string') return { ...found, via };
  throw new SignInRefusal(
    { status: 403, text: 'you are known, but have no rights here; ask an administrator' },
    `${directory.name}: ${user}: ${found}`,
    'compare the name of the ticket with filter and base of the directory',
  );
}
