import { claimAt } from '../../message/caller.ts';
import type { SignedOut } from '../../peer/oidc/logout-token.ts';
import { type OidcAttempt, oidcClient } from '../../peer/oidc/oidc-client.ts';
import { OidcProblem } from '../../peer/oidc/oidc-problem.ts';
import type { Identity } from '../rights/principal-for.ts';
import type { OidcSettings } from './console-schema.ts';
import { mappedIdentity } from './mapped-identity.ts';
import { SignInRefusal } from './sign-in-refusal.ts';

export interface OidcSignedIn {
  readonly identity: Identity;
  readonly idToken: string | undefined;
}

/** An OpenID Connect provider by which people sign in. Every method rejects with a SignInRefusal that says what failed. */
export interface OidcProvider {
  readonly name: string;
  readonly title: string;
  /** Where to send the browser. */
  start(redirect: string): Promise<{ readonly url: URL; readonly attempt: OidcAttempt }>;
  /** The identity from the provider's answer. */
  finish(answer: URL, attempt: OidcAttempt): Promise<OidcSignedIn>;
  /** The address for signing out at the provider too; undefined if it does not offer this. */
  signOut(idToken: string, back: string): Promise<URL | undefined>;
  /** What the provider has signed out. */
  signedOut(token: string): Promise<SignedOut>;
}

/** Milliseconds by which clocks may differ. */
const CLOCK_SKEW = 30_000;

export function oidcProvider(settings: OidcSettings): OidcProvider {
  const { name, issuer, clientId, clientSecret } = settings;
  const client = oidcClient({
    name,
    issuer,
    clientId,
    clientSecret,
    trust: settings.trust,
    scopes: settings.scopes ?? ['profile', 'email'],
    clockSkew: CLOCK_SKEW,
    callback: '/api/v1/sign-in/oidc/<name>/callback',
  });
  const refusing = async <Value>(work: Promise<Value>): Promise<Value> => {
    try {
      return await work;
    } catch (error) {
      throw error instanceof OidcProblem ? refusal(name, error) : error;
    }
  };
  return {
    name,
    title: settings.title ?? name,
    start: (redirect) => refusing(client.start(redirect)),
    async finish(answer, attempt) {
      const { claims, idToken } = await refusing(
        client.finish(answer, attempt, neededBy(settings)),
      );
      const identity = mappedIdentity((path) => claimAt(claims, path), settings, {
        via: `oidc ${name}`,
        defaultUser: 'preferred_username' in claims ? 'preferred_username' : 'sub',
      });
      return { identity, idToken };
    },
    signOut: (idToken, back) => refusing(client.signOut(idToken, back)),
    signedOut: (token) => refusing(client.signedOut(token)),
  };
}

/** The claims without which somebody has no name, roles or scope. */
function neededBy({ user, rolesFrom, scope = [] }: OidcSettings): readonly string[] {
  const inScope = scope.flatMap((one) => /\{([^}]+)\}/.exec(one)?.[1] ?? []);
  return [user, rolesFrom, ...inScope].filter((one) => one !== undefined);
}

function refusal(name: string, { kind, why, remedy }: OidcProblem): SignInRefusal {
  if (kind === 'away') return SignInRefusal.away(name, why, remedy);
  const told =
    kind === 'token'
      ? ({ status: 400, text: 'this logout token is not accepted' } as const)
      : ({
          status: 401,
          text: `signing in with ${name} did not work; an administrator can see why`,
        } as const);
  return new SignInRefusal(told, why, remedy);
}
