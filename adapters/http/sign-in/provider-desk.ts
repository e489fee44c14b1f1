import { createHash } from 'node:crypto';
import type { Grant, Grants, IssuedGrant, Lent, SignInTools, setting } from 'waybill/adapter';
import type { User } from 'waybill/peer';
import {
  cookieOf,
  type HttpReply,
  type Incoming,
  isSignedOutThere,
  neededClaims,
  type OidcAttempt,
  type OidcClient,
  type ProviderValues,
  providerClient,
  providerGrant,
  providerPerson,
  providerRefusal,
  Refusal,
  type SealedAttempts,
  sealedAttempts,
} from 'waybill/peer';
import { prefixOf } from './cookies.ts';
import type { SignInValues } from './sign-in-settings.ts';

type LentHere = Pick<Lent<setting.Settings>, 'credential' | 'signal'> & {
  readonly signIn: SignInTools;
};

/** A sign-in that was sent to the provider and has not come back. */
interface Waiting {
  readonly attempt: OidcAttempt;
  /** Where the person goes afterwards. */
  readonly back: string;
}

/** What the desk lends to it. */
interface Desk {
  readonly realm: string;
  readonly grants: Grants;
  /** The cookies of a sign-in. */
  given(issued: IssuedGrant, user: User): Promise<readonly string[]>;
  /** The refresh token that the browser holds already. */
  held(incoming: Incoming): string | undefined;
}

/** Seconds that a person may spend at the provider. */
const PATIENCE = 600;
/** Sign-ins that one browser may have begun and not ended: each is a cookie, and headers have a limit. */
const MOST_BEGUN = 4;

/** Signs people in at the provider: out to it, back from it, and out of it. */
export class ProviderDesk {
  readonly #lent: LentHere;
  readonly #settings: SignInValues;
  readonly #values: ProviderValues;
  readonly #desk: Desk;
  readonly #client: () => Promise<OidcClient>;
  #sealed: Promise<SealedAttempts<Waiting>> | undefined;

  constructor(lent: LentHere, settings: SignInValues, values: ProviderValues, desk: Desk) {
    this.#lent = lent;
    this.#settings = settings;
    this.#values = values;
    this.#desk = desk;
    this.#client = providerClient(lent, values, `${settings.path}/callback`);
  }

  /** Sends the browser to the provider. */
  async begin(incoming: Incoming): Promise<HttpReply> {
    const back = this.#backOf(incoming.query.get('back'));
    const { url, attempt } = await this.#asked((client) => client.start(this.#redirect(incoming)));
    const value = (await this.#attempts()).seal({ attempt, back });
    const name = this.#cookieName(attempt.state);
    const cookies = [...this.#tooOld(incoming), this.#cookie(name, value, PATIENCE)];
    return redirectTo(url.href, cookies);
  }

  /** Takes the browser back from the provider, signed in. */
  async callback(incoming: Incoming): Promise<HttpReply> {
    const name = this.#cookieName(incoming.query.get('state') ?? '');
    const sealed = cookieOf(incoming.headers, name);
    const waiting = sealed === undefined ? undefined : (await this.#attempts()).open(sealed);
    if (waiting === undefined) {
      throw new Refusal(
        400,
        'This sign-in was not begun in this browser, or more than ten minutes ago.',
      );
    }
    const gone = this.#cookie(name, '', 0);
    try {
      const cookies = await this.#signedIn(incoming, waiting.attempt);
      return redirectTo(waiting.back, [...cookies, gone]);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { status, message, headers, told } = error;
      throw new Refusal(status, message, { headers: { ...headers, 'set-cookie': [gone] }, told });
    }
  }

  async #signedIn(incoming: Incoming, attempt: OidcAttempt): Promise<readonly string[]> {
    const answer = new URL(attempt.redirect);
    answer.search = incoming.query.toString();
    const needed = neededClaims(this.#values);
    const answered = await this.#asked((client) => client.finish(answer, attempt, needed));
    const { user, kept } = providerPerson(answered, this.#values);
    const { grants } = this.#desk;
    const before = this.#desk.held(incoming);
    if (before !== undefined) await grants.end({ token: before });
    const issued = await grants.begin({ subject: user.name, claims: kept });
    return this.#desk.given(issued, user);
  }

  /** Where the browser goes to sign out at the provider too; undefined if that was none of its sign-ins. */
  async signOut({ claims }: Grant, incoming: Incoming): Promise<string | undefined> {
    const kept = providerGrant(claims);
    if (kept?.issuer !== this.#values.issuer.href) return undefined;
    try {
      const client = await this.#client();
      const url = await client.signOut(kept.idToken, `${this.#base(incoming)}/`);
      return url?.href;
    } catch (error) {
      // here the person is signed out all the same; a provider that is away cannot do it now
      if (providerRefusal(error) instanceof Refusal) return undefined;
      throw error;
    }
  }

  /** The provider says who has signed out there (OpenID Connect Back-Channel Logout). */
  async signedOut(token: unknown): Promise<HttpReply> {
    if (typeof token !== 'string') throw new Refusal(400, 'logout_token is missing.');
    const told = await this.#asked((client) => client.signedOut(token));
    await this.#desk.grants.endWhere(({ claims }) => isSignedOutThere(claims, this.#values, told));
    return { status: 200, headers: {}, body: '' };
  }

  async #asked<Value>(work: (client: OidcClient) => Promise<Value>): Promise<Value> {
    try {
      return await work(await this.#client());
    } catch (error) {
      throw providerRefusal(error);
    }
  }

  /** The same key at every engine: a browser may come back to another one. */
  async #attempts(): Promise<SealedAttempts<Waiting>> {
    this.#sealed ??= this.#lent.signIn.keys
      .derived(this.#settings.key, `sign-ins of ${this.#desk.realm}`)
      .then((key) => sealedAttempts<Waiting>(key));
    try {
      return await this.#sealed;
    } catch (error) {
      this.#sealed = undefined;
      throw error;
    }
  }

  #base({ secure, headers: { host = 'localhost' } }: Incoming): string {
    const { publicUrl } = this.#settings;
    if (publicUrl !== undefined) return `${publicUrl.origin}${prefixOf(this.#settings)}`;
    return `${secure ? 'https' : 'http'}://${host}`;
  }

  #redirect(incoming: Incoming): string {
    return `${this.#base(incoming)}${this.#settings.path}/callback`;
  }

  /** Only a path of this service: nobody is sent elsewhere by a link to here. */
  #backOf(asked: string | null): string {
    const home = `${prefixOf(this.#settings)}/`;
    if (asked === null || asked.length > 1_000) return home;
    // what a browser makes of it, with a host that nobody has
    const base = 'http://nobody.invalid';
    const url = URL.canParse(asked, base) ? new URL(asked, base) : undefined;
    const isHere = url?.origin === base && /^\/(?![/\\])/.test(asked);
    if (url === undefined || !isHere || !url.pathname.startsWith(home)) return home;
    return url.pathname.startsWith('//') ? home : `${url.pathname}${url.search}${url.hash}`;
  }

  get #prefix(): string {
    // such a cookie cannot be planted by another host of the same domain
    return `${this.#settings.secureCookies ? '__Host-' : ''}${this.#desk.realm}_begun_`;
  }

  #cookieName(state: string): string {
    return `${this.#prefix}${createHash('sha256').update(state).digest('hex').slice(0, 8)}`;
  }

  #cookie(name: string, value: string, seconds: number): string {
    const secure = this.#settings.secureCookies ? '; Secure' : '';
    return `${name}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`;
  }

  /** Takes back what was begun before, if that is too much. */
  #tooOld({ headers: { cookie = '' } }: Incoming): readonly string[] {
    const begun = cookie
      .split(';')
      .map((pair) => pair.split('=', 1)[0]?.trim() ?? '')
      .filter((name) => name.startsWith(this.#prefix) && /^[\w-]+$/.test(name));
    return begun.length < MOST_BEGUN ? [] : begun.map((name) => this.#cookie(name, '', 0));
  }
}

function redirectTo(location: string, cookies: readonly string[]): HttpReply {
  const headers = { location, 'referrer-policy': 'no-referrer', 'set-cookie': [...cookies] };
  return { status: 303, headers, body: '' };
}
