import { type Incoming, Refusal } from 'waybill/peer/http-server';
import type { SignInValues } from './sign-in-settings.ts';
import { chooseLaunch } from './smart/launched-cookies.ts';

/** Browsers leave out a longer cookie without a word. */
const LONGEST = 4_000;

/** Names and attributes of the cookies of one realm. */
export class SignInCookies {
  readonly access: string;
  readonly refresh: string;
  readonly #settings: SignInValues;
  readonly #isFramed: boolean;
  /** The path under which a proxy shows the service: browsers know no other. */
  readonly #prefix: string;

  constructor(realm: string, settings: SignInValues) {
    this.access = `${realm}_access`;
    this.refresh = `${realm}_refresh`;
    this.#settings = settings;
    this.#isFramed = (settings.smart?.framedBy.length ?? 0) > 0;
    this.#prefix = prefixOf(settings);
  }

  get holdRefresh(): boolean {
    return this.#settings.cookies !== 'none';
  }

  get holdAccess(): boolean {
    return this.#settings.cookies === 'both';
  }

  /** For `Set-Cookie`; times in seconds. Each launch (SMART) has its own. */
  given(
    tokens: { readonly access: string; readonly refresh: string },
    times: { readonly access: number; readonly refresh: number },
    launch?: string,
  ): readonly string[] {
    return [
      ...(this.holdRefresh ? [this.#refreshCookie(tokens.refresh, times.refresh, launch)] : []),
      ...(this.holdAccess ? [this.#accessCookie(tokens.access, times.access, launch)] : []),
    ];
  }

  /** Takes them back. */
  taken(launch?: string): readonly string[] {
    if (!this.holdRefresh) return [];
    return [this.#refreshCookie('', 0, launch), this.#accessCookie('', 0, launch)];
  }

  /** Leaves a request the cookies of the launch that it names, as if it had no other. */
  choose({ headers }: Pick<Incoming, 'headers'>): void {
    chooseLaunch(headers, [this.access, this.refresh]);
  }

  #accessCookie(value: string, seconds: number, launch: string | undefined): string {
    return this.#cookie(nameIn(this.access, launch), value, this.#prefix || '/', seconds);
  }

  /** Only the paths that need it get it. */
  #refreshCookie(value: string, seconds: number, launch: string | undefined): string {
    return this.#cookie(
      nameIn(this.refresh, launch),
      value,
      `${this.#prefix}${this.#settings.path}` || '/',
      seconds,
    );
  }

  #cookie(name: string, value: string, path: string, seconds: number): string {
    const { sameSite, secureCookies } = this.#settings;
    const secure = secureCookies || sameSite === 'none' || this.#isFramed ? '; Secure' : '';
    if (name.length + value.length > LONGEST) {
      throw new Refusal(403, 'The token says more than fits into a cookie.', {
        told: `an access token of ${value.length} characters does not fit into a cookie: name fewer under claims, or set cookies: refresh`,
      });
    }
    const site = this.#isFramed
      ? 'None; Partitioned'
      : sameSite.charAt(0).toUpperCase() + sameSite.slice(1);
    return `${name}=${value}; Path=${path}; Max-Age=${seconds}; HttpOnly; SameSite=${site}${secure}`;
  }
}

const nameIn = (name: string, launch: string | undefined): string =>
  launch === undefined ? name : `${name}.${launch}`;

/** The path of the public address, without a slash at its end. */
export const prefixOf = ({ publicUrl }: Pick<SignInValues, 'publicUrl'>): string =>
  publicUrl?.pathname.replace(/\/+$/, '') ?? '';
