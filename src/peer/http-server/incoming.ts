import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { CertificateFacts } from '../../adapter/certificate-facts.ts';

/** A request as the listener passes it on. */
export interface Arrived {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Without the query, unchanged. */
  readonly path: string;
  /** What follows the question mark, unchanged. */
  readonly search: string;
  readonly address: string;
  /** The client's certificate, after it was checked. */
  readonly certificate: CertificateFacts | undefined;
  readonly secure: boolean;
  /** Tells a waiting client to send the body. */
  readonly proceed: () => void;
}

/** A request before its body is read. */
export class Incoming {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** From the matching pattern. */
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

  /** Parsed when it is first needed: most requests have none. */
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
