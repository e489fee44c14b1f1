import type {
  Attempts,
  Grant,
  Grants,
  IssuedGrant,
  LentInbound,
  SignInTools,
  setting,
  TokenVerifier,
} from 'waybill/adapter';
import { EngineError } from 'waybill/adapter';
import {
  type Caller,
  type CorsPolicy,
  callerAddresses,
  checkSameSite,
  cookieOf,
  type HttpReply,
  type Incoming,
  Refusal,
} from 'waybill/peer/http-server';
import type { User } from 'waybill/peer/sign-in';
import { KnownUsers, nobodyNow, providerGrant } from 'waybill/peer/sign-in';
import { prefixOf, SignInCookies } from './cookies.ts';
import { LaunchDesk } from './launch-desk.ts';
import { ProviderDesk } from './provider-desk.ts';
import { FHIR_PATH, realmOf, type SignInAction, type SignInValues } from './sign-in-settings.ts';
import { FhirRelay } from './smart/fhir-relay.ts';
import { launchGrant } from './smart/launch-grant.ts';
import { heldLaunches, launchOf } from './smart/launched-cookies.ts';

type LentHere = Pick<LentInbound<setting.Settings>, 'host' | 'event' | 'credential' | 'signal'> & {
  readonly signIn: SignInTools;
  readonly cors: CorsPolicy | undefined;
};

/** What a person or program sends to sign in, refresh or sign out. */
type Asked = Readonly<Record<string, unknown>>;

/** A sign-in that has ended, or never was, as the caller of an operation sees it. */
const ended = (key: string): EngineError =>
  new EngineError(
    'CREDENTIAL_REFUSED',
    `credential ${key}: the sign-in that the token belongs to has ended. Sign in again.`,
  );

/** Signs in the users of one service: the operations below its `path`. */
export class SignInDesk {
  readonly #lent: LentHere;
  readonly #settings: SignInValues;
  readonly #grants: Grants;
  readonly #users: KnownUsers;
  readonly #provider: ProviderDesk | undefined;
  readonly #launches: LaunchDesk | undefined;
  readonly #relay: FhirRelay | undefined;
  readonly #cookies: SignInCookies;
  readonly #attempts: Attempts;
  readonly #addressOf: ReturnType<typeof callerAddresses>;
  readonly #realm: string;
  /** The launches that claims are of which `verifier` has told. */
  readonly #launched = new WeakMap<object, string>();

  constructor(lent: LentHere, settings: SignInValues) {
    const { idle, absolute, grace } = settings;
    const realm = realmOf(settings, lent.host);
    this.#realm = realm;
    this.#lent = lent;
    this.#settings = settings;
    this.#attempts = lent.signIn.attempts(realm);
    this.#addressOf = callerAddresses(settings.proxies);
    this.#grants = lent.signIn.grants(realm, { idle, absolute, grace });
    const { oidc } = settings;
    this.#users = new KnownUsers(lent, settings);
    this.#cookies = new SignInCookies(realm, settings);
    this.#provider =
      oidc &&
      new ProviderDesk(lent, settings, oidc, {
        realm,
        grants: this.#grants,
        given: async (issued, user) => (await this.#tokens(issued, user)).cookies,
        held: ({ headers }) => cookieOf(headers, this.#cookies.refresh),
      });
    this.#launches =
      settings.smart &&
      new LaunchDesk(lent, settings, settings.smart, {
        realm,
        grants: this.#grants,
        given: async (issued, user) => (await this.#tokens(issued, user)).cookies,
        tooMany: (incoming) => this.#tooManyLaunches(incoming),
      });
    const path = `${settings.path}/${FHIR_PATH}`;
    this.#relay =
      this.#launches &&
      new FhirRelay({
        sessions: this.#launches.sessions,
        path,
        shown: `${prefixOf(settings)}${path}`,
        signal: lent.signal,
      });
  }

  /** Takes access tokens of sign-ins that have not ended. */
  get verifier(): TokenVerifier {
    const { key } = this.#settings;
    return {
      verify: async (token) => {
        const claims = await this.#lent.signIn.keys.verify(key, token);
        const { sid } = claims;
        const grant = typeof sid === 'string' ? await this.#grants.find(sid) : undefined;
        if (grant === undefined) throw ended(key);
        if (launchGrant(grant) !== undefined) this.#launched.set(claims, grant.id);
        return claims;
      },
    };
  }

  /** A caller with the launch that their token is of: those of others may name anything as theirs. */
  withLaunch(caller: Caller | undefined): Caller | undefined {
    const id = caller?.claims && this.#launched.get(caller.claims);
    return caller && id !== undefined ? { ...caller, launch: { realm: this.#realm, id } } : caller;
  }

  /** Lends operations of the production the launches that this service takes, until the returned function is called. */
  lendLaunches(): () => void {
    if (this.#launches === undefined) return () => undefined;
    return this.#lent.signIn.lendLaunches(this.#realm, this.#launches.sessions.lent());
  }

  /** Leaves a request the cookies of the launch (SMART) that it names. */
  choose(incoming: Incoming): void {
    if (this.#launches !== undefined) this.#cookies.choose(incoming);
  }

  answer(
    action: SignInAction,
    incoming: Incoming,
    body: () => Promise<Buffer>,
  ): Promise<HttpReply> {
    if (action === 'me') return this.#me(incoming);
    if (action === 'jwks') return this.#jwks();
    if (action === 'begin') return this.#atProvider().begin(incoming);
    if (action === 'callback') return this.#atProvider().callback(incoming);
    if (action === 'launch') return this.#atEhrs().begin(incoming);
    if (action === 'launched') return this.#atEhrs().callback(incoming);
    if (action === 'clientKeys') return this.#clientKeys();
    if (action === 'fhir') return this.#relayed(incoming, body);
    return this.#changed(action, incoming, body);
  }

  #atEhrs(): LaunchDesk {
    if (this.#launches === undefined) throw new Refusal(404, 'No EHR launches anything here.');
    return this.#launches;
  }

  async #clientKeys(): Promise<HttpReply> {
    return published(await this.#atEhrs().clientKeys());
  }

  /** Asks the EHR on behalf of the caller. */
  async #relayed(incoming: Incoming, body: () => Promise<Buffer>): Promise<HttpReply> {
    const { sid } = await this.#caller(incoming);
    const held = accessToken(incoming) === undefined;
    if (held) checkSameSite(incoming, this.#lent.cors);
    const grant = typeof sid === 'string' ? await this.#grants.find(sid) : undefined;
    if (grant === undefined || this.#relay === undefined) throw nobody(incoming);
    return this.#relay.answer(grant, incoming, body);
  }

  /** Each launch is a cookie or two, and headers have a limit: the oldest make place. */
  async #tooManyLaunches({ headers }: Incoming): Promise<readonly string[]> {
    const held = heldLaunches(headers, this.#cookies.refresh);
    const old = held.slice(0, Math.max(0, held.length + 1 - MOST_LAUNCHES));
    for (const { token } of old) await this.#ended(await this.#grants.end({ token }));
    return old.flatMap(({ id }) => this.#cookies.taken(id));
  }

  /** Before the others have ended, as their tokens at EHRs are known by them. */
  async #endedEverywhere({ subject, id }: Grant): Promise<void> {
    const others: Grant[] = [];
    if (this.#launches !== undefined) {
      await this.#grants.endWhere((one) => {
        const isOther = one.subject === subject && one.id !== id;
        if (isOther) others.push(one);
        return isOther;
      });
    }
    await this.#grants.endAll(subject);
    // at once: each may take as long as an EHR does not answer
    await Promise.all(others.map((one) => this.#ended(one)));
  }

  /** Gives back what a sign-in that has ended holds elsewhere. */
  async #ended(grant: Grant | undefined): Promise<void> {
    if (grant !== undefined) await this.#launches?.signOut(grant);
  }

  #atProvider(): ProviderDesk {
    if (this.#provider === undefined) throw new Refusal(404, 'There is no provider here.');
    return this.#provider;
  }

  async #changed(
    action: ChangingAction,
    incoming: Incoming,
    body: () => Promise<Buffer>,
  ): Promise<HttpReply> {
    const asked = askedIn(incoming, await body());
    if (action === 'login') return this.#login(incoming, asked);
    if (action === 'refresh') return this.#refresh(incoming, asked);
    if (action === 'logout') return this.#logout(incoming, asked);
    if (action === 'signedOut') return this.#atProvider().signedOut(asked['logout_token']);
    return this.#revoke(asked);
  }

  async #login(incoming: Incoming, { user, password }: Asked): Promise<HttpReply> {
    if (typeof user !== 'string' || typeof password !== 'string' || user === '') {
      throw new Refusal(400, 'user and password are missing: send both as JSON or as a form.');
    }
    // a page of another site must not sign a visitor in as somebody else
    if (this.#cookies.holdRefresh && incoming.headers.origin !== undefined) {
      checkSameSite(incoming, this.#lent.cors);
    }
    const name = user.slice(0, 200);
    const address = this.#addressOf(incoming);
    const wait = this.#attempts.tried(name, address);
    if (wait > 0) throw tooMany(wait);
    const found = await this.#checked(
      () => this.#users.signedIn(name, password.slice(0, 1_000)),
      () => this.#attempts.undecided(name, address),
    );
    if (found === undefined) {
      throw new Refusal(401, 'User or password is wrong.', {
        told: 'its user or password is wrong',
      });
    }
    this.#attempts.succeeded(name, address);
    const { known, kept } = found;
    return this.#given(await this.#grants.begin({ subject: known.name, claims: kept }), known);
  }

  /** The person of a sign-in as they are known now; undefined if they may no longer sign in. */
  async #now({ subject: name, claims }: Grant): Promise<User | undefined> {
    const launched = launchGrant({ claims });
    if (launched !== undefined) {
      return this.#launches && { name, claims: launched.claims, proof: '' };
    }
    const provided = providerGrant(claims);
    if (provided === undefined) return this.#users.now({ subject: name, claims });
    return this.#provider && { name, claims: provided.claims, proof: '' };
  }

  async #refresh(incoming: Incoming, { refreshToken }: Asked): Promise<HttpReply> {
    const token = this.#refreshToken(incoming, refreshToken);
    if (token === undefined) throw new Refusal(401, 'A refresh token is missing.');
    const rotated = await this.#grants.rotate(token);
    if ('refused' in rotated) throw this.#refused(rotated, incoming);
    const { grant } = rotated;
    const user = await this.#checked(() => this.#now(grant));
    if (user === undefined) {
      await this.#grants.end({ id: grant.id });
      throw new Refusal(401, 'This user may no longer sign in, or has another password.', {
        headers: this.#takenBack(incoming),
      });
    }
    return this.#given(rotated, user);
  }

  #refused(
    { refused, grant }: Exclude<Awaited<ReturnType<Grants['rotate']>>, IssuedGrant>,
    incoming: Incoming,
  ): Refusal {
    if (refused === 'reused') {
      const who = ` It is that of ${grant?.subject ?? 'somebody'}.`;
      this.#lent.event(
        'warn',
        'sign-in-reused',
        `A refresh token came a second time: it may be stolen, so the sign-in was ended.${who}`,
        who,
      );
    }
    return new Refusal(401, REFUSED[refused], { headers: this.#takenBack(incoming) });
  }

  async #logout(incoming: Incoming, asked: Asked): Promise<HttpReply> {
    const grant = await this.#grantOf(incoming, asked['refreshToken']);
    if (asked['everywhere'] === true) {
      if (grant === undefined) throw new Refusal(401, 'Nobody is signed in.');
      await this.#endedEverywhere(grant);
    }
    if (grant !== undefined) await this.#grants.end({ id: grant.id });
    const redirect = grant && (await this.#provider?.signOut(grant, incoming));
    const taken = this.#takenBack(incoming);
    await this.#ended(grant);
    if (redirect === undefined) return { status: 204, headers: taken, body: '' };
    const answer = json(200, { redirect });
    return { ...answer, headers: { ...answer.headers, ...taken } };
  }

  /** RFC 7009: a token that is not valid any more is as good as revoked. */
  async #revoke({ token }: Asked): Promise<HttpReply> {
    if (typeof token !== 'string') throw new Refusal(400, 'token is missing.');
    const id = token.split('.').length === 3 ? await this.#idIn(token) : undefined;
    await this.#ended(await this.#grants.end(id === undefined ? { token } : { id }));
    return { status: 200, headers: {}, body: '' };
  }

  async #me(incoming: Incoming): Promise<HttpReply> {
    const claims = await this.#caller(incoming);
    const { sub, iat, exp, jti: _, sid: __, iss: ___, aud: ____, ...rest } = claims;
    return json(200, { user: sub, since: iat, until: exp, claims: rest });
  }

  /** What the access token of a request says. Throws the Refusal of one without, or with one that is over. */
  async #caller(incoming: Incoming): Promise<Readonly<Record<string, unknown>>> {
    const token = accessToken(incoming) ?? cookieOf(incoming.headers, this.#cookies.access);
    if (token === undefined) throw nobody(incoming);
    return this.#refusing(() => this.verifier.verify(token));
  }

  async #jwks(): Promise<HttpReply> {
    return published(await this.#lent.signIn.keys.published(this.#settings.key));
  }

  async #given(issued: IssuedGrant, user: User): Promise<HttpReply> {
    const { access, times, cookies } = await this.#tokens(issued, user);
    const { holdAccess, holdRefresh } = this.#cookies;
    const answer = json(200, {
      user: issued.grant.subject,
      claims: user.claims,
      tokenType: 'Bearer',
      expiresIn: times.access,
      refreshExpiresIn: times.refresh,
      ...(!holdAccess && { accessToken: access }),
      ...(!holdRefresh && { refreshToken: issued.refreshToken }),
    });
    return { ...answer, headers: { ...answer.headers, ...setCookies(cookies) } };
  }

  async #tokens(
    { grant, refreshToken, expires }: IssuedGrant,
    { claims }: Pick<User, 'claims'>,
  ): Promise<{
    readonly access: string;
    readonly times: { readonly access: number; readonly refresh: number };
    readonly cookies: readonly string[];
  }> {
    const { key, accessLifetime } = this.#settings;
    const { subject, id } = grant;
    const own = { ...claims, sid: id };
    const access = await this.#lent.signIn.keys.sign(key, own, {
      subject,
      lifetime: accessLifetime,
    });
    const times = {
      access: Math.ceil(accessLifetime / 1_000),
      refresh: Math.max(0, Math.floor((expires - Date.now()) / 1_000)),
    };
    return {
      access,
      times,
      cookies: this.#cookies.given(
        { access, refresh: refreshToken },
        times,
        launchGrant(grant) && id,
      ),
    };
  }

  /** From the body, or from the cookie, which counts only from pages of this origin or a listed one. */
  #refreshToken(incoming: Incoming, given: unknown): string | undefined {
    if (typeof given === 'string') return given;
    const held = this.#cookies.holdRefresh
      ? cookieOf(incoming.headers, this.#cookies.refresh)
      : undefined;
    if (held !== undefined) checkSameSite(incoming, this.#lent.cors);
    return held;
  }

  async #grantOf(incoming: Incoming, given: unknown): Promise<Grant | undefined> {
    const access = accessToken(incoming);
    const id = access === undefined ? undefined : await this.#idIn(access);
    if (id !== undefined) return this.#grants.find(id);
    const token = this.#refreshToken(incoming, given);
    if (token === undefined) return undefined;
    return this.#grants.end({ token });
  }

  /** The grant of an access token; undefined for one that is not ours or not valid. */
  async #idIn(token: string): Promise<string | undefined> {
    try {
      const { sid } = await this.#lent.signIn.keys.verify(this.#settings.key, token);
      return typeof sid === 'string' ? sid : undefined;
    } catch (error) {
      if (error instanceof EngineError && error.code === 'CREDENTIAL_REFUSED') return undefined;
      throw error;
    }
  }

  #takenBack({ headers }: Incoming): SetCookies {
    return setCookies(this.#cookies.taken(launchOf(headers)));
  }

  async #refusing<Value>(work: () => Promise<Value>): Promise<Value> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'CREDENTIAL_REFUSED') throw error;
      const why = /^credential \S+: (.*?)\. /s.exec(error.message)?.[1] ?? 'it is not accepted';
      throw new Refusal(401, `Not signed in: ${why}.`, {
        headers: { 'www-authenticate': 'Bearer realm="waybill", error="invalid_token"' },
      });
    }
  }

  /** A table that cannot be read now is no reason to say that somebody is unknown. */
  async #checked<Value>(work: () => Promise<Value>, undecided?: () => void): Promise<Value> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof EngineError) || error instanceof Refusal) throw error;
      undecided?.();
      throw nobodyNow(error);
    }
  }
}

/** Launches that one browser may hold at once. */
const MOST_LAUNCHES = 6;

function nobody({ headers }: Incoming): Refusal {
  const isLaunched = /(?:^|; *)[\w-]+_refresh\.[\w-]{22}=/.test(headers.cookie ?? '');
  const text = isLaunched
    ? 'Nobody is signed in: the header X-Launched does not say which launch this belongs to.'
    : 'Nobody is signed in.';
  return new Refusal(401, text, { headers: { 'www-authenticate': 'Bearer realm="waybill"' } });
}

function published(keys: readonly object[]): HttpReply {
  const answer = json(200, { keys });
  return { ...answer, headers: { ...answer.headers, 'cache-control': 'public, max-age=300' } };
}

const REFUSED = {
  unknown: 'The refresh token is not known here. Sign in again.',
  expired: 'The refresh token has expired. Sign in again.',
  ended: 'The sign-in has ended. Sign in again.',
  reused: 'The refresh token was used before, so the sign-in was ended. Sign in again.',
} as const;

/** What changes a sign-in. */
type ChangingAction = 'login' | 'refresh' | 'logout' | 'revoke' | 'signedOut';

type SetCookies = { readonly 'set-cookie'?: string[] };

const setCookies = (cookies: readonly string[]): SetCookies =>
  cookies.length === 0 ? {} : { 'set-cookie': [...cookies] };

const accessToken = ({ headers }: Incoming): string | undefined =>
  /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1];

function json(status: number, value: unknown): HttpReply {
  const headers = { 'content-type': 'application/json' };
  return { status, headers, body: JSON.stringify(value) };
}

function tooMany(wait: number): Refusal {
  const seconds = Math.ceil(wait / 1_000);
  return new Refusal(429, `Too many failed sign-ins. Try again in ${seconds} s.`, {
    headers: { 'retry-after': String(seconds) },
    told: 'too many of its sign-ins failed',
  });
}

/** The fields of a JSON object or form; nothing for an empty body. */
function askedIn({ headers }: Incoming, bytes: Buffer): Asked {
  if (bytes.byteLength === 0) return {};
  const [type = ''] = (headers['content-type'] ?? '').toLowerCase().split(';');
  const text = bytes.toString('utf8');
  if (type.trim() === 'application/x-www-form-urlencoded') {
    return Object.fromEntries(new URLSearchParams(text));
  }
  if (!/^application\/([\w.-]+\+)?json$/.test(type.trim())) {
    throw new Refusal(415, 'Send JSON or a form.', { headers: { accept: 'application/json' } });
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Asked;
  } catch {
    // SyntaxError, whose text quotes the body
  }
  throw new Refusal(400, 'The body is not a JSON object.');
}
