import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { CertificateFacts } from 'waybill/adapter';

/** A request before its body is read. */
export interface Incoming {
  readonly method: string;
  /** Without the query, as it came. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** Of the pattern that fits. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly address: string;
  /** The certificate that the client showed, checked. */
  readonly certificate: CertificateFacts | undefined;
  readonly secure: boolean;
  readonly request: IncomingMessage;
}

/** One cookie of a request. */
export function cookieOf({ cookie = '' }: IncomingHttpHeaders, name: string): string | undefined {
  for (const pair of cookie.split(';')) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at).trim() === name) {
      return pair
        .slice(at + 1)
        .trim()
        .replaceAll(/^"|"$/g, '');
    }
  }
  return undefined;
}
