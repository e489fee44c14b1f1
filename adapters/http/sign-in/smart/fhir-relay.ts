import type { Grant } from 'waybill/adapter';
import { exactJson } from 'waybill/document';
import { mediaTypeOf } from 'waybill/peer/http';
import { type HttpReply, type Incoming, Refusal, Room } from 'waybill/peer/http-server';
import type { EhrAccess, EhrSessions } from './ehr-sessions.ts';

interface RelayOptions {
  readonly sessions: EhrSessions;
  /** The path of the service below which requests go to the EHR, and how browsers write it. */
  readonly path: string;
  readonly shown: string;
  readonly signal: AbortSignal;
}

/** What of a request goes to the EHR, and of its answer back: never a cookie or a token. */
const SENT = [
  'accept',
  'content-type',
  'prefer',
  'if-match',
  'if-none-match',
  'if-none-exist',
  'if-modified-since',
  'accept-language',
];
const RETURNED = ['content-type', 'etag', 'last-modified', 'retry-after', 'warning'];

/** A type, an operation, or what concerns the whole server: nothing else below the base address is FHIR. */
const FHIR = /^(?:|\/|\/(?:[A-Z][A-Za-z]*|\$[\w-]+|metadata|_history|_search)(?:\/.*)?)$/;
/** What leads out of a folder, and what servers or the proxies before them take for that (`..;`, `%2e`); FHIR needs none of it but `%24`, a $. */
const HIDDEN = /%(?!24)|[\\;]|\/\.{1,2}(?:\/|$)/;
const TIMEOUT = 30_000;
/** Bytes of one answer, and of all at once. */
const LONGEST = 32 * 1_048_576;
const MEMORY = 128 * 1_048_576;

/** Sends requests on to the FHIR server of an EHR, with the token of the person who asks. */
export class FhirRelay {
  readonly #options: RelayOptions;
  readonly #room = new Room(MEMORY);

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  async answer(grant: Grant, incoming: Incoming, body: () => Promise<Buffer>): Promise<HttpReply> {
    const rest = incoming.path.slice(this.#options.path.length);
    if (!FHIR.test(rest) || HIDDEN.test(rest)) {
      throw new Refusal(404, 'This is not the address of a resource, a type or an operation.');
    }
    const { sessions } = this.#options;
    const bytes = await body();
    const held = { bytes: 0 };
    try {
      const first = await sessions.access(grant);
      let answer = await this.#asked(first, { rest, incoming, bytes });
      if (answer.status === 401) {
        await answer.body?.cancel();
        const next = await sessions.access(grant, first.access);
        answer = await this.#asked(next, { rest, incoming, bytes });
      }
      const read = await this.#read(answer, incoming.address, held);
      return this.#reply(answer, read, first.ehr.fhir);
    } finally {
      this.#room.leave(incoming.address, held.bytes);
    }
  }

  async #asked({ ehr, access }: EhrAccess, { rest, incoming, bytes }: Asked): Promise<Response> {
    const url = addressIn(ehr.fhir, rest, incoming.query);
    const headers: Record<string, string> = { authorization: `Bearer ${access}` };
    for (const name of SENT) {
      const value = incoming.headers[name]?.toString();
      if (value !== undefined) headers[name] = value;
    }
    try {
      return await ehr.ask(url, {
        method: incoming.method,
        headers,
        ...(bytes.byteLength > 0 && { body: new Uint8Array(bytes) }),
        // a redirect would take the token elsewhere
        redirect: 'manual',
        signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT), this.#options.signal]),
      });
    } catch (error) {
      throw unanswered(ehr.fhir, error);
    }
  }

  async #read({ body }: Response, address: string, held: { bytes: number }): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    try {
      for await (const part of (body ?? []) as AsyncIterable<Uint8Array>) {
        if (held.bytes + part.byteLength > LONGEST) {
          throw new Refusal(
            502,
            'The answer of the EHR is too long. Ask for less, such as by _count.',
          );
        }
        if (!this.#room.enter(address, part.byteLength)) {
          throw new Refusal(503, 'Too many large answers in progress. Ask again.', AGAIN);
        }
        held.bytes += part.byteLength;
        parts.push(part);
      }
    } catch (error) {
      throw error instanceof Refusal ? error : unanswered('the EHR', error);
    }
    return Buffer.concat(parts);
  }

  #reply({ status, headers: told }: Response, bytes: Buffer, fhir: string): HttpReply {
    if (status === 401) {
      throw new Refusal(401, 'The EHR does not accept this session. Launch the app again.');
    }
    if (status >= 300 && status < 400 && status !== 304) {
      throw new Refusal(502, 'The EHR sends requests on to another address.', {
        told: `${fhir} answers ${status}: it sends requests on, and a token goes nowhere else; compare fhir with its address`,
      });
    }
    const headers: Record<string, string> = { 'x-content-type-options': 'nosniff' };
    for (const name of RETURNED) {
      const value = told.get(name);
      if (value !== null) headers[name] = value;
    }
    for (const name of ['location', 'content-location']) {
      const value = told.get(name);
      if (value !== null) headers[name] = this.#own(value, fhir);
    }
    // never a page of this origin
    headers['content-security-policy'] = "default-src 'none'; sandbox";
    return { status, headers, body: this.#withOwnLinks(bytes, headers, fhir) };
  }

  /** The pages of a search lead through here again: the browser has no token for the EHR. */
  #withOwnLinks(bytes: Buffer, headers: Readonly<Record<string, string>>, fhir: string): Buffer {
    if (!/[/+]json$/.test(mediaTypeOf(headers['content-type']).type)) return bytes;
    const text = bytes.toString('utf8');
    if (!/"resourceType"\s*:\s*"Bundle"/.test(text) || !text.includes('"link"')) return bytes;
    let value: unknown;
    try {
      value = exactJson(text);
    } catch {
      // not JSON: the app sees what came
      return bytes;
    }
    const { resourceType, link } = value as Readonly<Record<string, unknown>>;
    if (resourceType !== 'Bundle' || !Array.isArray(link)) return bytes;
    for (const one of link as { url?: unknown }[]) {
      if (typeof one.url === 'string') one.url = this.#own(one.url, fhir);
    }
    return Buffer.from(JSON.stringify(value));
  }

  #own(address: string, fhir: string): string {
    const rest = address.slice(fhir.length);
    const isThere = address.startsWith(fhir) && /^(?:$|[/?])/.test(rest);
    return isThere ? `${this.#options.shown}${rest}` : address;
  }
}

interface Asked {
  readonly rest: string;
  readonly incoming: Incoming;
  readonly bytes: Buffer;
}

const AGAIN = { headers: { 'retry-after': '5' } };

/** The address below the base, and nowhere else whatever was asked for. */
function addressIn(fhir: string, rest: string, query: URLSearchParams): string {
  const search = query.toString();
  const url = URL.parse(`${fhir}${rest}${search === '' ? '' : `?${search}`}`);
  const isBelow = url !== null && /^(?:$|[/?])/.test(url.href.slice(fhir.length));
  if (url === null || !url.href.startsWith(fhir) || !isBelow || url.hash !== '') {
    throw new Refusal(404, 'This is not below the base address of the FHIR server.');
  }
  return url.href;
}

function unanswered(fhir: string, error: unknown): Refusal {
  const { name, cause } = error as Error;
  const { code } = Object(cause) as { readonly code?: unknown };
  return new Refusal(503, 'The EHR cannot be asked now. Try again soon.', {
    ...AGAIN,
    told: `${fhir} does not answer what an app asks for: ${typeof code === 'string' ? code : name}`,
  });
}
