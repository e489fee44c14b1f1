import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { CertificateFacts } from 'waybill/adapter';

/** A request as the listener hands it over. */
export interface Arrived {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Without the query, as it came. */
  readonly path: string;
  /** What stands behind the question mark, as it came. */
  readonly search: string;
  readonly address: string;
  /** The certificate that the client showed, checked. */
  readonly certificate: CertificateFacts | undefined;
  readonly secure: boolean;
  /** Tells a client that waits for it to send the body. */
  readonly proceed: () => void;
}

/** A request before its body is read. */
export class Incoming {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Of the pattern that fits. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly address: string;
  readonly certificate: CertificateFacts | undefined;
  readonly secure: boolean;
  readonly #search: string;
  #query: URLSearchParams | undefined;

  constructor(arrived: Arrived, parameters: Incoming['parameters']) {
    this.method = arrived.request.method ?? '';
    this.path = arrived.path;
    this.headers = arrived.request.headers;
    this.parameters = parameters;
    this.address = arrived.address;
    this.certificate = arrived.certificate;
    this.secure = arrived.secure;
    this.#search = arrived.search;
  }

  /** Taken apart when somebody asks for it: most requests have none. */
  get query(): URLSearchParams {
    return (this.#query ??= new URLSearchParams(this.#search));
  }
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
