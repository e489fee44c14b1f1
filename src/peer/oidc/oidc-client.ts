import type * as client from 'openid-client';
import { claimAt } from '../../message/caller.ts';
import { briefly, type ProviderFetch, trustingFetch } from '../provider-fetch.ts';
import { logoutTokens, type SignedOut } from './logout-token.ts';
import { OidcProblem } from './oidc-problem.ts';
import { smartMetadata } from './smart-metadata.ts';

/** A client at an OpenID Connect provider. */
export interface OidcClientSettings {
  /** How people call the provider; for texts. */
  readonly name: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string | undefined;
  /** Signs what proves the client at a token endpoint (private_key_jwt), instead of a secret. */
  readonly assertion?: ((tokenEndpoint: string) => Promise<string>) | undefined;
  /** It is the authorization server of a FHIR server with this base address (SMART on FHIR): `issuer` is that base. */
  readonly isSmart?: boolean;
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
  readonly tokens: OidcTokens;
}

/** What is given for calling others as the person; the tokens are secret. */
export interface OidcTokens {
  readonly access: string;
  readonly refresh: string | undefined;
  /** For how many more seconds the access token is good; undefined if that is not told. */
  readonly lifetime: number | undefined;
  /** The rest of the answer, such as `scope`, `patient` and `encounter`. */
  readonly told: Readonly<Record<string, unknown>>;
}

/** Signs people in at an OpenID Connect provider: authorization code with PKCE, state and nonce. Every method rejects with an OidcProblem. */
export interface OidcClient {
  /** Where to send the browser. `asked` is asked for besides, also instead of the scopes. */
  start(
    redirect: string,
    asked?: Readonly<Record<string, string>>,
  ): Promise<{ readonly url: URL; readonly attempt: OidcAttempt }>;
  /**
   * Who it is, by the provider's answer; userinfo is asked too if the ID token lacks one of the claims that
   * are needed (paths).
   */
  finish(answer: URL, attempt: OidcAttempt, needed: readonly string[]): Promise<OidcAnswer>;
  /** The next tokens. */
  refresh(token: string): Promise<OidcTokens>;
  /** Has tokens revoked (RFC 7009); does nothing where that is not offered. */
  revoke(...tokens: readonly string[]): Promise<void>;
  /** The address for signing out at the provider too; undefined if it does not offer this. */
  signOut(idToken: string | undefined, back: string): Promise<URL | undefined>;
  /** What the provider has signed out. */
  signedOut(token: string): Promise<SignedOut>;
  /** What its configuration says, asked anew; for a test. */
  configuration(): Promise<client.ServerMetadata>;
  /** Whether the provider knows the client and its secret, asked with a code that it never gave; for a test. */
  tryClient(redirect: string | undefined): Promise<void>;
  /** Whether it would send browsers back there; for a test. */
  tryRedirect(redirect: string, asked?: Readonly<Record<string, string>>): Promise<void>;
}

const TIMEOUT = 10;
/** Milliseconds: as long as its keys are kept. */
const CONFIGURATION_KEPT = 10 * 60_000;
/** Milliseconds between two questions because of answers that were not accepted: anybody can send such ones. */
const DOUBTED = 10_000;
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
  /** Milliseconds of the steady clock after which the provider is asked again, since it may have moved. */
  #until = 0;
  /** Milliseconds of the steady clock before which no answer has the provider asked again. */
  #doubted = 0;
  #logout: { readonly keys: string; readonly read: ReturnType<typeof logoutTokens> } | undefined;
  #keys: client.ExportedJWKSCache | undefined;

  constructor(settings: OidcClientSettings) {
    const { trust } = settings;
    const ask = briefly(trust === undefined ? undefined : trustingFetch(trust));
    this.#settings = { ...settings, ask };
  }

  async start(
    redirect: string,
    asked: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly url: URL; readonly attempt: OidcAttempt }> {
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
      ...asked,
    });
    return { url, attempt };
  }

  async finish(
    answer: URL,
    { state, nonce, verifier }: OidcAttempt,
    needed: readonly string[],
  ): Promise<OidcAnswer> {
    const library = await loaded();
    const provider = await this.#asked(library);
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
      this.#keys = library.getJwksCache(provider);
      const claims = { ...tokens.claims() };
      const { userinfo_endpoint: endpoint } = provider.serverMetadata();
      const isEnough = needed.every((path) => claimAt(claims, path) !== undefined);
      const got = { claims, idToken: tokens.id_token, tokens: tokensOf(tokens) };
      if (endpoint === undefined || isEnough) return got;
      const more = await library.fetchUserInfo(provider, tokens.access_token, claims.sub ?? '');
      return { ...got, claims: { ...more, ...claims } };
    } catch (error) {
      throw this.#failed(error, 'the provider’s answer was not accepted');
    }
  }

  async refresh(token: string): Promise<OidcTokens> {
    const library = await loaded();
    const provider = await this.#asked(library);
    try {
      return tokensOf(await library.refreshTokenGrant(provider, token));
    } catch (error) {
      throw this.#failed(error, 'no further token was given');
    }
  }

  async revoke(...tokens: readonly string[]): Promise<void> {
    const library = await loaded();
    const known = await this.#configuration();
    if (known.serverMetadata().revocation_endpoint === undefined) return;
    for (const token of tokens) {
      const provider = await this.#asked(library);
      await library.tokenRevocation(provider, token).catch((error: unknown) => {
        throw problemOf(this.#settings, error, 'a token was not revoked');
      });
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
    const { issuer, jwks_uri: keys = issuer } = (await this.#configuration()).serverMetadata();
    if (this.#logout?.keys !== keys) {
      const { clientId: audience, ask } = this.#settings;
      this.#logout = { keys, read: logoutTokens(new URL(keys), { issuer, audience, ask }) };
    }
    return this.#logout.read(token);
  }

  async configuration(): Promise<client.ServerMetadata> {
    this.#known = undefined;
    this.#until = 0;
    return (await this.#configuration()).serverMetadata();
  }

  async tryClient(redirect = 'https://localhost/'): Promise<void> {
    const library = await loaded();
    const provider = await this.#asked(library);
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

  async tryRedirect(redirect: string, asked?: Readonly<Record<string, string>>): Promise<void> {
    const { url } = await this.start(redirect, asked);
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

  /** What cannot be reached, or signs with keys that are not where they were, may have moved: it is asked where it is at the next try. */
  #failed(error: unknown, what: string): OidcProblem {
    const problem = problemOf(this.#settings, error, what);
    if (problem.kind === 'away') this.#known = undefined;
    if (problem.said !== '' || performance.now() < this.#doubted) return problem;
    this.#doubted = performance.now() + DOUBTED;
    this.#until = 0;
    // a key may have been exchanged under its old name
    this.#keys = undefined;
    return problem;
  }

  /** With a proof of the client that is new where it is signed. */
  async #asked(library: typeof client): Promise<client.Configuration> {
    const metadata = (await this.#configuration()).serverMetadata();
    const { assertion } = this.#settings;
    const signed = await assertion?.(metadata.token_endpoint ?? metadata.issuer);
    return configured(library, metadata, this.#settings, signed);
  }

  #configuration(): Promise<client.Configuration> {
    if (this.#known !== undefined && performance.now() < this.#until) return this.#known;
    const before = this.#known;
    const asked = discovered(this.#settings).catch((error: unknown) => {
      // what it said before may still be so
      if (before !== undefined) return before;
      this.#known = undefined;
      const what = `${this.#settings.issuer} cannot be asked for its configuration`;
      throw problemOf(this.#settings, error, what);
    });
    this.#known = asked;
    this.#until = performance.now() + CONFIGURATION_KEPT;
    return asked;
  }
}

/** Loaded now: most productions have no provider. */
const loaded = (): Promise<typeof client> => import('openid-client');

function authenticated(
  library: typeof client,
  { clientSecret, isSmart }: OidcClientSettings,
  assertion?: string,
): client.ClientAuth {
  if (assertion !== undefined) return asserted(assertion);
  if (clientSecret === undefined) return library.None();
  // SMART has no other way for a secret
  return isSmart === true
    ? library.ClientSecretBasic(clientSecret)
    : library.ClientSecretPost(clientSecret);
}

const asserted =
  (assertion: string): client.ClientAuth =>
  (_server, { client_id: id }, body) => {
    body.set('client_id', id);
    body.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
    body.set('client_assertion', assertion);
  };

function tokensOf({
  access_token: access,
  refresh_token: refresh,
  expires_in: lifetime,
  id_token: _,
  ...told
}: client.TokenEndpointResponse): OidcTokens {
  return { access, refresh, lifetime, told };
}

const metadataOf = (
  library: typeof client,
  { clockSkew }: OidcClientSettings,
): Partial<client.ClientMetadata> => ({ [library.clockTolerance]: Math.ceil(clockSkew / 1_000) });

/** For one sign-in: the library keeps keys with the object that it gets, and for a minute asks for no others. */
function configured(
  library: typeof client,
  metadata: client.ServerMetadata,
  settings: Reached,
  assertion?: string,
): client.Configuration {
  const provider = new library.Configuration(
    { ...metadata },
    settings.clientId,
    metadataOf(library, settings),
    authenticated(library, settings, assertion),
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
  if (settings.isSmart === true) {
    return configured(library, await smartMetadata(settings, TIMEOUT * 1_000), settings);
  }
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

/** Words of an error's description that say what it is about; nothing else of it is kept. */
const ABOUT = /\b(aud|launch|redirect_uri|scope|code_challenge|PKCE|client_id|state|expired)\b/gi;

/** What the launch of an app may have, beyond what every sign-in may. */
const LAUNCH_REMEDIES: Readonly<Record<string, string>> = {
  invalid_request:
    'the launch may have expired, or aud (the address of the FHIR server) or the redirect address is not as the EHR knows it; launch the app again, then compare its registration',
  invalid_scope: 'allow the scopes of ask for the app at the EHR, or ask for fewer',
  invalid_grant:
    'the session at the EHR is over, or the code was used twice or is too old; launch the app again, then compare the clocks',
  invalid_client: 'compare clientId, and clientSecret or clientKey, with the app’s registration',
};

const NOT_THE_PROVIDER =
  'something else answered in its place: maintenance, a proxy or a page for people; if it has moved, it is asked where it is at the next try';

const REMEDIES: Readonly<Record<string, string>> = {
  OAUTH_RESPONSE_IS_NOT_JSON: NOT_THE_PROVIDER,
  OAUTH_RESPONSE_IS_NOT_CONFORM: NOT_THE_PROVIDER,
  OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED:
    'write issuer letter by letter as the provider’s own configuration has it',
  OAUTH_JWT_TIMESTAMP_CHECK_FAILED: 'set the clocks of both; clockSkew permits a small difference',
  invalid_client: 'compare clientId and clientSecret with the provider’s client',
  invalid_grant: 'the code was used twice or is too old; compare the clocks, then sign in again',
  access_denied: 'the person or a rule of the provider refused',
  unauthorized_client: 'allow the authorization code flow for this client at the provider',
};

/** OpenSSL's names for an authority that nobody here trusts. */
const UNTRUSTED = /^(SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER))/;

/** Only the provider's error code is kept: its description may name a person. */
function problemOf(settings: OidcClientSettings, error: unknown, what: string): OidcProblem {
  if (error instanceof OidcProblem) return error;
  const { error: said } = error as { error?: unknown };
  const word = typeof said === 'string' ? said : isClientRefused(error) ? 'invalid_client' : '';
  const codes = codesOf(error);
  const about = aboutOf(error);
  const told = about === '' ? word : `${word} (about ${about})`;
  const reason = [told, ...new Set(codes), claimText(error), answerText(error)].filter(
    (one) => one !== '',
  );
  const remedy = remedyFor(settings, word, codes);
  const why = `${what}: ${reason.join(', ') || 'no reason given'}`;
  return new OidcProblem(
    { kind: word === '' && isAway(codes) ? 'away' : 'refused', said: word, why, remedy },
    { cause: error },
  );
}

function remedyFor(
  { name, issuer, callback, isSmart }: OidcClientSettings,
  word: string,
  codes: readonly string[],
): string {
  if (codes.some((code) => UNTRUSTED.test(code))) {
    return `put the authority that signed the certificate of ${new URL(issuer).host} into the file under trust`;
  }
  if (word === 'redirect_uri_mismatch')
    return `register the address of ${callback} at the provider`;
  const remedies = isSmart === true ? { ...REMEDIES, ...LAUNCH_REMEDIES } : REMEDIES;
  const known = [word, ...codes].map((one) => remedies[one]).find((one) => one !== undefined);
  return (
    known ??
    `compare issuer, clientId and clientSecret of ${name} with ${issuer}; check that it can be reached from here`
  );
}

/** What the provider's description is about. */
function aboutOf(error: unknown): string {
  const { error_description: told } = error as { error_description?: unknown };
  const words = typeof told === 'string' ? (told.match(ABOUT) ?? []) : [];
  return [...new Set(words)].slice(0, 3).join(' and ');
}

/** A token endpoint that asks for Basic did not know the client; the library then leaves the answer unread. */
function isClientRefused(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { cause } = error;
  if (!Array.isArray(cause)) return isClientRefused(cause);
  return cause.some((one: { readonly scheme?: unknown }) => one.scheme === 'basic');
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

/** What came instead of an answer of the provider. */
function answerText(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if (!(error.cause instanceof Response)) return answerText(error.cause);
  const { status, headers } = error.cause;
  const type = /^[\w.+-]+\/[\w.+-]+/.exec(headers.get('content-type') ?? '')?.[0];
  return type === undefined ? `it answered ${status}` : `it answered ${status} with ${type}`;
}

/** The library names the claim or check that failed in its message, and quotes no value. */
function claimText(error: unknown): string {
  if (!(error instanceof Error)) return '';
  const { name, message, cause } = error;
  const inner = claimText(cause);
  if (inner !== '') return inner;
  return name === 'ClientError' || name === 'OperationProcessingError' ? message.slice(0, 200) : '';
}
