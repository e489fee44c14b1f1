import { Refusal } from 'waybill/peer';
import type { SignInValues } from './sign-in-settings.ts';

/** Browsers leave out a longer cookie without a word. */
const LONGEST = 4_000;

/** Names and attributes of the cookies of one realm. */
export class SignInCookies {
  readonly access: string;
  readonly refresh: string;
  readonly #settings: SignInValues;
  /** The path under which a proxy shows the service: browsers know no other. */
  readonly #prefix: string;

  constructor(realm: string, settings: SignInValues) {
    this.access = `${realm}_access`;
    this.refresh = `${realm}_refresh`;
    this.#settings = settings;
    this.#prefix = prefixOf(settings);
  }

  get holdRefresh(): boolean {
    return this.#settings.cookies !== 'none';
  }

  get holdAccess(): boolean {
    return this.#settings.cookies === 'both';
  }

  /** For `Set-Cookie`; `until` in milliseconds since 1970. */
  given(
    tokens: { readonly access: string; readonly refresh: string },
    times: { readonly access: number; readonly refresh: number },
  ): readonly string[] {
    return [
      ...(this.holdRefresh ? [this.#refreshCookie(tokens.refresh, times.refresh)] : []),
      ...(this.holdAccess
        ? [this.#cookie(this.access, tokens.access, this.#prefix || '/', times.access)]
        : []),
    ];
  }

  /** Takes them back. */
  taken(): readonly string[] {
    if (!this.holdRefresh) return [];
    return [this.#refreshCookie('', 0), this.#cookie(this.access, '', this.#prefix || '/', 0)];
  }

  /** Only the paths that need it get it. */
  #refreshCookie(value: string, seconds: number): string {
    return this.#cookie(
      this.refresh,
      value,
      `${this.#prefix}${this.#settings.path}` || '/',
      seconds,
    );
  }

  #cookie(name: string, value: string, path: string, seconds: number): string {
    const { sameSite, secureCookies } = this.#settings;
    const secure = secureCookies || sameSite === 'none' ? '; Secure' : '';
    if (name.length + value.length > LONGEST) {
      throw new Refusal(403, 'The token says more than fits into a cookie.', {
        told: `an access token of ${value.length} characters does not fit into a cookie: name fewer under claims, or set cookies: refresh`,
      });
    }
    const site = sameSite.charAt(0).toUpperCase() + sameSite.slice(1);
    return `${name}=${value}; Path=${path}; Max-Age=${seconds}; HttpOnly; SameSite=${site}${secure}`;
  }
}

/** The path of the public address, without a slash at its end. */
export const prefixOf = ({ publicUrl }: Pick<SignInValues, 'publicUrl'>): string =>
  publicUrl?.pathname.replace(/\/+$/, '') ?? '';
