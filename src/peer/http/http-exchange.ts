import type { Body } from '../../message/body.ts';
import type { HttpSignIn } from './http-sign-in.ts';

/** A request as the adapter wants it; sign-in and connection headers are added. */
export interface HttpQuestion {
  readonly method: string;
  readonly url: URL;
  /** Names as they should be sent. */
  readonly headers: Readonly<Record<string, string>>;
  /** Sent with its length. It is read again if the request has to be repeated (401, redirect). */
  readonly body?: Body | undefined;
  /** Signs this request instead of the client's own sign-in; not for accounts of NTLM. */
  readonly signIn?: HttpSignIn | undefined;
  readonly signal: AbortSignal;
}

/** The whole answer of a web server; any status is an answer. */
export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case; repeated ones are joined with a comma. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Where it came from, after redirects. Contains the key if signIn is `query`: never show it. */
  readonly url: URL;
}

/** `host:port` of a web address, for errors and people: never its path or query, which may be patient data. */
export function placeOfUrl({ hostname, port, protocol }: URL): string {
  return `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`;
}

/** Milliseconds of a `Retry-After` header (seconds or a date); undefined if there is none or it makes no sense. */
export function retryAfterOf(header: string | undefined, now = Date.now()): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d{1,9}\s*$/.test(header)) return Number(header) * 1_000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
