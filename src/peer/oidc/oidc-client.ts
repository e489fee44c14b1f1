import type * as client from 'openid-client';
import { claimAt } from '../../message/caller.ts';
import { briefly, type ProviderFetch, trustingFetch } from '../provider-fetch.ts';
import { logoutTokens, type SignedOut } from './logout-token.ts';
import { OidcProblem } from './oidc-problem.ts';

/** A client at an OpenID Connect provider. */
export interface OidcClientSettings {
  /** How people call the provider; for texts. */
  readonly name: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string | undefined;
  /** File (PEM) with the authorities that may have signed the provider's certificate; the public ones if left out. */
  readonly trust: string | undefined;
  /** Asked for besides `openid`. */
  readonly scopes: readonly string[];
  /** By how many milliseconds clocks may differ. */
  readonly clockSkew: number;
  /** Where the provider sends browsers back to; for a remedy. */
  readonly callback: string;
}

/** What must be kept between the redirect to the provider and its answer. */
export interface OidcAttempt {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly redirect: string;
}

export interface OidcAnswer {
  readonly claims: Readonly<Record<string, unknown>>;
  readonly idToken: string | undefined;
}

/** Signs people in at an OpenID Connect provider: authorization code with PKCE, state and nonce. Every method rejects with an OidcProblem. */
export interface OidcClient {
  /** Where to send the browser. */
  start(redirect: string): Promise<{ readonly url: URL; readonly attempt: OidcAttempt }>;
  /**
   * Who it is, by the provider's answer; userinfo is asked too if the ID token lacks one of the claims that
   * are needed (paths).
   */
  finish(answer: URL, attempt: OidcAttempt, needed: readonly string[]): Promise<OidcAnswer>;
  /** The address for signing out at the provider too; undefined if it does not offer this. */
  signOut(idToken: string | undefined, back: string): Promise<URL | undefined>;
  /** What the provider has signed out. */
  signedOut(token: string): Promise<SignedOut>;
  /** What its configuration says, asked anew; for a test. */
  configuration(): Promise<client.ServerMetadata>;
  /** Whether the provider knows the client and its secret, asked with a code that it never gave; for a test. */
  tryClient(redirect: string | undefined): Promise<void>;
  /** Whether it would send browsers back there; for a test. */
  tryRedirect(redirect: string): Promise<void>;
}

const TIMEOUT = 10;
/** Keys that were fetched this many seconds ago are fetched again for a token that names another one. */
const KEYS_REST = 60;

/** Discovery happens at the first use and again after a failure, so that nothing waits for the provider at its start. */
export function oidcClient(settings: OidcClientSettings): OidcClient {
  return new DiscoveredClient(settings);
}

/** The settings, and how its provider is asked. */
interface Reached extends OidcClientSettings {
  readonly ask: ProviderFetch;
}

class DiscoveredClient implements OidcClient {
  readonly #settings: Reached;
  #known: Promise<client.Configuration> | undefined;
  #logout: ReturnType<typeof logoutTokens> | undefined;
  #keys: client.ExportedJWKSCache | undefined;

  constructor(settings: OidcClientSettings) {
    const { trust } = settings;
    const ask = briefly(trust === undefined ? undefined : trustingFetch(trust));
    this.#settings = { ...settings, ask };
  }

  async start(redirect: string): Promise<{ readonly url: URL; readonly attempt: OidcAttempt }> {
    const library = await loaded();
    const verifier = library.randomPKCECodeVerifier();
    const attempt = {
      state: library.randomState(),
      nonce: library.randomNonce(),
      verifier,
      redirect,
    };
    const url = library.buildAuthorizationUrl(await this.#configuration(), {
      redirect_uri: redirect,
      scope: [...new Set(['openid', ...this.#settings.scopes])].join(' '),
      state: attempt.state,
      nonce: attempt.nonce,
      code_challenge: await library.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    });
    return { url, attempt };
  }

  async finish(
    answer: URL,
    { state, nonce, verifier }: OidcAttempt,
    needed: readonly string[],
  ): Promise<OidcAnswer> {
    const library = await loaded();
    const known = await this.#configuration();
    const provider = configured(library, known.serverMetadata(), this.#settings);
    // the token comes from the provider itself, so a key that is new to us is no reason to wait
    if (this.#keys !== undefined) {
      library.setJwksCache(provider, { ...this.#keys, uat: this.#keys.uat - KEYS_REST });
    }
    try {
      const tokens = await library.authorizationCodeGrant(provider, answer, {
        pkceCodeVerifier: verifier,
        expectedState: state,
        expectedNonce: nonce,
        idTokenExpected: true,
      });
      const claims = { ...tokens.claims() };
      const { userinfo_endpoint: endpoint } = provider.serverMetadata();
      const isEnough = needed.every((path) => claimAt(claims, path) !== undefined);
      if (endpoint === undefined || isEnough) return { claims, idToken: tokens.id_token };
      const more = await library.fetchUserInfo(provider, tokens.access_token, claims.sub ?? '');
      return { claims: { ...more, ...claims }, idToken: tokens.id_token };
    } catch (error) {
      throw problemOf(this.#settings, error, 'the provider’s answer was not accepted');
    } finally {
      this.#keys = library.getJwksCache(provider);
    }
  }

  async signOut(idToken: string | undefined, back: string): Promise<URL | undefined> {
    const library = await loaded();
    const provider = await this.#configuration();
    if (provider.serverMetadata().end_session_endpoint === undefined) return undefined;
    return library.buildEndSessionUrl(provider, {
      ...(idToken !== undefined && { id_token_hint: idToken }),
      post_logout_redirect_uri: back,
    });
  }

  async signedOut(token: string): Promise<SignedOut> {
    const { issuer, jwks_uri: keys } = (await this.#configuration()).serverMetadata();
    this.#logout ??= logoutTokens(new URL(keys ?? issuer), {
      issuer,
      audience: this.#settings.clientId,
      ask: this.#settings.ask,
    });
    return this.#logout(token);
  }

  async configuration(): Promise<client.ServerMetadata> {
    this.#known = undefined;
    return (await this.#configuration()).serverMetadata();
  }

  async tryClient(redirect = 'https://localhost/'): Promise<void> {
    const library = await loaded();
    const provider = await this.#configuration();
    const answer = new URL(redirect);
    answer.search = '?code=of-a-test';
    const { issuer } = provider.serverMetadata();
    answer.searchParams.set('iss', issuer);
    try {
      await library.authorizationCodeGrant(provider, answer, {
        pkceCodeVerifier: library.randomPKCECodeVerifier(),
      });
    } catch (error) {
      // the client was accepted, the code was not: that is what was asked
      if ((error as { error?: unknown }).error === 'invalid_grant') return;
      throw problemOf(this.#settings, error, 'the provider does not accept the client');
    }
  }

  async tryRedirect(redirect: string): Promise<void> {
    const { url } = await this.start(redirect);
    const signal = AbortSignal.timeout(TIMEOUT * 1_000);
    const answer = await this.#settings
      .ask(url.href, { redirect: 'manual', signal })
      .catch((error: unknown) => {
        throw problemOf(this.#settings, error, `${url.origin} cannot be asked`);
      });
    await answer.body?.cancel();
    if (answer.status < 400) return;
    throw new OidcProblem({
      kind: 'refused',
      why: `the provider answers ${answer.status} where a browser would begin`,
      remedy: `register ${redirect} as a redirect address of ${this.#settings.clientId}, for code with PKCE`,
    });
  }

  #configuration(): Promise<client.Configuration> {
    this.#known ??= discovered(this.#settings).catch((error: unknown) => {
      this.#known = undefined;
      const what = `${this.#settings.issuer} cannot be asked for its configuration`;
      throw problemOf(this.#settings, error, what);
    });
    return this.#known;
  }
}

/** Loaded now: most productions have no provider. */
const loaded = (): Promise<typeof client> => import('openid-client');

const authenticated = (
  library: typeof client,
  { clientSecret }: OidcClientSettings,
): client.ClientAuth =>
  clientSecret === undefined ? library.None() : library.ClientSecretPost(clientSecret);

const metadataOf = (
  library: typeof client,
  { clockSkew }: OidcClientSettings,
): Partial<client.ClientMetadata> => ({ [library.clockTolerance]: Math.ceil(clockSkew / 1_000) });

/** For one sign-in: the library keeps keys with the object that it gets, and for a minute asks for no others. */
function configured(
  library: typeof client,
  metadata: client.ServerMetadata,
  settings: Reached,
): client.Configuration {
  const provider = new library.Configuration(
    { ...metadata },
    settings.clientId,
    metadataOf(library, settings),
    authenticated(library, settings),
  );
  provider.timeout = TIMEOUT;
  provider[library.customFetch] = settings.ask as client.CustomFetch;
  if (isInsecure(settings)) library.allowInsecureRequests(provider);
  // the ID token comes from the provider over TLS; its signature is checked anyway
  library.enableNonRepudiationChecks(provider);
  return provider;
}

/** Only on this machine. */
function isInsecure({ issuer }: OidcClientSettings): boolean {
  const { protocol, hostname } = new URL(issuer);
  return protocol === 'http:' && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

async function discovered(settings: Reached): Promise<client.Configuration> {
  const library = await loaded();
  return await library.discovery(
    new URL(settings.issuer),
    settings.clientId,
    metadataOf(library, settings),
    authenticated(library, settings),
    {
      timeout: TIMEOUT,
      [library.customFetch]: settings.ask as client.CustomFetch,
      ...(isInsecure(settings) ? { execute: [library.allowInsecureRequests] } : {}),
    },
  );
}

const REMEDIES: Readonly<Record<string, string>> = {
  invalid_client: 'compare clientId and clientSecret with the provider’s client',
  invalid_grant: 'the code was used twice or is too old; compare the clocks, then sign in again',
  access_denied: 'the person or a rule of the provider refused',
  unauthorized_client: 'allow the authorization code flow for this client at the provider',
};

/** OpenSSL's names for an authority that nobody here trusts. */
const UNTRUSTED = /^(SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER))/;

/** Only the provider's error code is kept: its description may name a person. */
function problemOf(
  { name, issuer, callback }: OidcClientSettings,
  error: unknown,
  what: string,
): OidcProblem {
  const { error: said } = error as { error?: unknown };
  const word = typeof said === 'string' ? said : '';
  const codes = codesOf(error);
  const reason = [word, ...codes, claimText(error)].filter((one) => one !== '');
  const remedy = codes.some((code) => UNTRUSTED.test(code))
    ? `put the authority that signed the certificate of ${new URL(issuer).host} into the file under trust`
    : word === 'redirect_uri_mismatch'
      ? `register the address of ${callback} at the provider`
      : (REMEDIES[word] ??
        `compare issuer, clientId and clientSecret of ${name} with ${issuer}; check that it can be reached from here`);
  const why = `${what}: ${reason.join(', ') || 'no reason given'}`;
  return new OidcProblem(
    { kind: word === '' && isAway(codes) ? 'away' : 'refused', why, remedy },
    { cause: error },
  );
}

/** Codes of the socket, of fetch, and of a time-out or an answer that is no provider's. */
const isAway = (codes: readonly string[]): boolean =>
  codes.some((code) =>
    /^(E[A-Z]+|UND_ERR_\w+|OAUTH_TIMEOUT|OAUTH_RESPONSE_IS_NOT_\w+)$/.test(code),
  );

/** The codes of an error and of what caused it, down to the socket's. */
function codesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const { code } = error as { code?: unknown };
  return [...(typeof code === 'string' ? [code] : []), ...codesOf(error.cause)];
}

/** The library names the claim or check that failed in its message, and quotes no value. */
function claimText(error: unknown): string {
  return error instanceof Error && error.name === 'ClientError' ? error.message.slice(0, 200) : '';
}
