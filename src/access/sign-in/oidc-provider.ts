import * as client from 'openid-client';
import { isLoopback } from '../../web/networks.ts';
import type { Identity } from '../rights/principal-for.ts';
import type { OidcSettings } from './console-schema.ts';
import { logoutTokens, type SignedOut } from './logout-token.ts';
import { claimAt, mappedIdentity } from './mapped-identity.ts';
import { SignInRefusal } from './sign-in-refusal.ts';

/** What must be kept between the redirect to the provider and its answer. */
export interface OidcAttempt {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly redirect: string;
}

export interface OidcSignedIn {
  readonly identity: Identity;
  readonly idToken: string | undefined;
}

/** An OpenID Connect provider by which people sign in: authorization code with PKCE, state and nonce. */
export interface OidcProvider {
  readonly name: string;
  readonly title: string;
  /** Where to send the browser. Rejects with a SignInRefusal if the provider cannot be reached. */
  start(redirect: string): Promise<{ readonly url: URL; readonly attempt: OidcAttempt }>;
  /** The identity from the provider's answer. Rejects with a SignInRefusal that says which check failed. */
  finish(answer: URL, attempt: OidcAttempt): Promise<OidcSignedIn>;
  /** The address for signing out at the provider too; undefined if it does not offer this. */
  signOut(idToken: string, back: string): Promise<URL | undefined>;
  /** What the provider has signed out. Rejects with a SignInRefusal that says which check failed. */
  signedOut(token: string): Promise<SignedOut>;
}

const TIMEOUT = 10;

/** Discovery happens at the first use and again after a failure, so the console starts without the provider. */
// oxlint-disable-next-line max-lines-per-function -- a factory: its closures share the state above them
export function oidcProvider(settings: OidcSettings): OidcProvider {
  const { name, clientId, clientSecret, scopes = ['openid', 'profile', 'email'] } = settings;
  const issuer = new URL(settings.issuer);
  const insecure = issuer.protocol === 'http:' && isLoopback(issuer.hostname);
  let known: Promise<client.Configuration> | undefined;
  const configuration = (): Promise<client.Configuration> => {
    known ??= client
      .discovery(
        issuer,
        clientId,
        undefined,
        clientSecret === undefined ? client.None() : client.ClientSecretPost(clientSecret),
        { timeout: TIMEOUT, ...(insecure ? { execute: [client.allowInsecureRequests] } : {}) },
      )
      .then((provider) => {
        // the ID token comes from the provider over TLS; its signature is checked anyway
        client.enableNonRepudiationChecks(provider);
        return provider;
      })
      .catch((error: unknown) => {
        known = undefined;
        throw refusal(settings, error, `${issuer.href} cannot be asked for its configuration`);
      });
    return known;
  };
  let logout: ReturnType<typeof logoutTokens> | undefined;
  return {
    name,
    title: settings.title ?? name,
    async start(redirect) {
      const verifier = client.randomPKCECodeVerifier();
      const attempt = {
        state: client.randomState(),
        nonce: client.randomNonce(),
        verifier,
        redirect,
      };
      const url = client.buildAuthorizationUrl(await configuration(), {
        redirect_uri: redirect,
        scope: [...new Set(['openid', ...scopes])].join(' '),
        state: attempt.state,
        nonce: attempt.nonce,
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      });
      return { url, attempt };
    },
    async finish(answer, { state, nonce, verifier }) {
      const provider = await configuration();
      try {
        const tokens = await client.authorizationCodeGrant(provider, answer, {
          pkceCodeVerifier: verifier,
          expectedState: state,
          expectedNonce: nonce,
          idTokenExpected: true,
        });
        const claims = await allClaims(provider, tokens, settings);
        const identity = mappedIdentity((path) => claimAt(claims, path), settings, {
          via: `oidc ${name}`,
          defaultUser: 'preferred_username' in claims ? 'preferred_username' : 'sub',
        });
        return { identity, idToken: tokens.id_token };
      } catch (error) {
        if (error instanceof SignInRefusal) throw error;
        throw refusal(settings, error, 'the provider’s answer was not accepted');
      }
    },
    async signOut(idToken, back) {
      const provider = await configuration();
      if (provider.serverMetadata().end_session_endpoint === undefined) return undefined;
      return client.buildEndSessionUrl(provider, {
        id_token_hint: idToken,
        post_logout_redirect_uri: back,
      });
    },
    async signedOut(token) {
      const { issuer: told, jwks_uri: keys } = (await configuration()).serverMetadata();
      logout ??= logoutTokens(new URL(keys ?? issuer), { issuer: told, audience: clientId });
      return logout(token);
    },
  };
}

type Tokens = Awaited<ReturnType<typeof client.authorizationCodeGrant>>;

/** The claims of the ID token, plus those of userinfo if a required claim is missing. */
async function allClaims(
  provider: client.Configuration,
  tokens: Tokens,
  { user, rolesFrom, scope = [] }: OidcSettings,
): Promise<Readonly<Record<string, unknown>>> {
  const claims = (tokens.claims() ?? {}) as Readonly<Record<string, unknown>> & { sub?: string };
  const inScope = scope.flatMap((one) => /\{([^}]+)\}/.exec(one)?.[1] ?? []);
  const needed = [user, rolesFrom, ...inScope].filter((one) => one !== undefined);
  const { userinfo_endpoint: endpoint } = provider.serverMetadata();
  if (endpoint === undefined || needed.every((path) => claimAt(claims, path) !== undefined))
    return claims;
  const more = await client.fetchUserInfo(provider, tokens.access_token, claims.sub ?? '');
  return { ...more, ...claims };
}

const REMEDIES: Readonly<Record<string, string>> = {
  invalid_client: 'compare clientId and clientSecret with the provider’s client',
  invalid_grant: 'the code was used twice or is too old; compare the clocks, then sign in again',
  access_denied: 'the person or a rule of the provider refused',
  redirect_uri_mismatch:
    'register the address of /api/v1/sign-in/oidc/<name>/callback at the provider',
  unauthorized_client: 'allow the authorization code flow for this client at the provider',
};

/** Only the provider's error code is kept: its description may name a person. */
function refusal({ name, issuer }: OidcSettings, error: unknown, what: string): SignInRefusal {
  const { error: said } = error as { error?: unknown };
  const word = typeof said === 'string' ? said : '';
  const reason = [word, ...codesOf(error), claimText(error)].filter((one) => one !== '');
  return new SignInRefusal(
    { status: 401, text: `signing in with ${name} did not work; an administrator can see why` },
    `${what}: ${reason.join(', ') || 'no reason given'}`,
    REMEDIES[word] ??
      `compare issuer, clientId and clientSecret of ${name} with ${issuer}; check that it can be reached from here`,
  );
}

/** The codes of an error and of what caused it, down to the socket's. */
function codesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const { code } = error as { code?: unknown };
  return [...(typeof code === 'string' ? [code] : []), ...codesOf(error.cause)];
}

/** openid-client names the claim or check that failed in its message, and quotes no value. */
function claimText(error: unknown): string {
  return error instanceof client.ClientError ? error.message.slice(0, 200) : '';
}
