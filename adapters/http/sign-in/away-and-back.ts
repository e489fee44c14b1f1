import { createHash } from 'node:crypto';
import type { SignInTools } from 'waybill/adapter';
import { cookieOf, type HttpReply, type Incoming, Refusal } from 'waybill/peer/http-server';
import { type SealedAttempts, sealedAttempts } from 'waybill/peer/oidc';
import { prefixOf } from './cookies.ts';
import type { SignInValues } from './sign-in-settings.ts';

/** A person who was sent to sign in elsewhere and has not come back. */
interface Gone {
  /** Where they go afterwards. */
  readonly back: string;
}

interface WayOptions {
  readonly settings: SignInValues;
  readonly keys: SignInTools['keys'];
  readonly realm: string;
  /** What the cookies are for: part of their names, and of the key that seals them. */
  readonly purpose: 'begun' | 'launching';
  /** The last part of the path at which they come back. */
  readonly callback: string;
  /** Whether they come from a frame in a page of another site. */
  readonly framed?: boolean;
}

/** Seconds that a person may spend elsewhere. */
const PATIENCE = 600;
/** Sign-ins that one browser may have begun and not ended: each is a cookie, and headers have a limit. */
const MOST_BEGUN = 4;

/** The way of a browser to who signs people in, and back to the page it came from. What is remembered meanwhile is sealed in its own cookies. */
export class AwayAndBack<Waiting extends Gone> {
  readonly #options: WayOptions;
  #sealed: Promise<SealedAttempts<Waiting>> | undefined;

  constructor(options: WayOptions) {
    this.#options = options;
  }

  /** Where browsers are sent back to. */
  redirect(incoming: Incoming): string {
    const { settings, callback } = this.#options;
    return `${this.base(incoming)}${settings.path}/${callback}`;
  }

  /** The address of the service as browsers know it, without a slash at its end. */
  base({ secure, headers: { host = 'localhost' } }: Incoming): string {
    const { publicUrl } = this.#options.settings;
    if (publicUrl !== undefined) return `${publicUrl.origin}${prefixOf(this.#options.settings)}`;
    return `${secure ? 'https' : 'http'}://${host}`;
  }

  async leave(
    incoming: Incoming,
    {
      url,
      state,
      waiting,
    }: { readonly url: URL; readonly state: string; readonly waiting: Waiting },
  ): Promise<HttpReply> {
    const value = (await this.#attempts()).seal(waiting);
    const cookies = [
      ...this.#tooOld(incoming),
      this.#cookie(this.#cookieName(state), value, PATIENCE),
    ];
    return redirectTo(url.href, cookies);
  }

  /** Goes on with what was remembered when the browser left; what `work` resolves to are cookies, and where it goes. */
  async returned(
    incoming: Incoming,
    work: (
      waiting: Waiting,
    ) => Promise<{ readonly to: string; readonly cookies: readonly string[] }>,
  ): Promise<HttpReply> {
    const name = this.#cookieName(incoming.query.get('state') ?? '');
    const sealed = cookieOf(incoming.headers, name);
    const waiting = sealed === undefined ? undefined : (await this.#attempts()).open(sealed);
    if (waiting === undefined) throw this.#unknown(incoming);
    const gone = this.#cookie(name, '', 0);
    try {
      const { to, cookies } = await work(waiting);
      return redirectTo(to, [...cookies, gone]);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { status, message, headers, told } = error;
      throw new Refusal(status, message, { headers: { ...headers, 'set-cookie': [gone] }, told });
    }
  }

  /** Only a path of this service: nobody is sent elsewhere by a link to here. */
  backOf(asked: string | null): string {
    const home = `${prefixOf(this.#options.settings)}/`;
    if (asked === null || asked.length > 1_000) return home;
    // what a browser makes of it, with a host that nobody has
    const base = 'http://nobody.invalid';
    const url = URL.canParse(asked, base) ? new URL(asked, base) : undefined;
    const isHere = url?.origin === base && /^\/(?![/\\])/.test(asked);
    if (url === undefined || !isHere || !url.pathname.startsWith(home)) return home;
    return url.pathname.startsWith('//') ? home : `${url.pathname}${url.search}${url.hash}`;
  }

  #unknown({ headers }: Incoming): Refusal {
    const text = 'This sign-in was not begun in this browser, or more than ten minutes ago.';
    if (headers['sec-fetch-dest'] !== 'iframe') return new Refusal(400, text);
    return new Refusal(400, text, {
      told: 'a browser in a frame came back without the cookie of its sign-in: list the page around it under framedBy, and serve both over https',
    });
  }

  /** The same key at every engine: a browser may come back to another one. */
  async #attempts(): Promise<SealedAttempts<Waiting>> {
    const { keys, settings, realm, purpose } = this.#options;
    const name = purpose === 'begun' ? `sign-ins of ${realm}` : `launches of ${realm}`;
    this.#sealed ??= keys.derived(settings.key, name).then((key) => sealedAttempts<Waiting>(key));
    try {
      return await this.#sealed;
    } catch (error) {
      this.#sealed = undefined;
      throw error;
    }
  }

  get #isSecure(): boolean {
    return this.#options.framed === true || this.#options.settings.secureCookies;
  }

  get #prefix(): string {
    const { realm, purpose } = this.#options;
    // such a cookie cannot be planted by another host of the same domain
    return `${this.#isSecure ? '__Host-' : ''}${realm}_${purpose}_`;
  }

  #cookieName(state: string): string {
    return `${this.#prefix}${createHash('sha256').update(state).digest('hex').slice(0, 8)}`;
  }

  #cookie(name: string, value: string, seconds: number): string {
    const site = this.#options.framed === true ? 'None; Partitioned' : 'Lax';
    const secure = this.#isSecure ? '; Secure' : '';
    return `${name}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=${site}${secure}`;
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
