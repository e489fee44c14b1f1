import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Dispatcher, request } from 'undici';
import { DisableError, type TokenCredential } from 'waybill/adapter';
import { type TransportValues, transport } from 'waybill/peer/http';
import { clientTls, type TlsClientLent } from 'waybill/peer/tls';
import { GraphError, NoAnswer } from './graph-error.ts';
import { type Json, jsonOf, listAt, textAt } from './graph-json.ts';
import type { GraphValues } from './graph-settings.ts';

/**
 * Outlook allows an application four concurrent requests per mailbox. Large attachments go to
 * another host than the rest, and each host's certificate is checked against its own name.
 */
export const reachedBy = ({ tls, proxy, timeout }: GraphValues): TransportValues => ({
  tls,
  proxy,
  proxyCredential: undefined,
  timeout,
  connectTimeout: 10_000,
  stayConnected: 30_000,
  connections: 4,
});

/** A pause up to this length is made in the middle of the work; longer ones are left to the engine. */
const SHORT_PAUSE = 5_000;
const PAUSES = 3;

export interface GraphQuestion {
  readonly json?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

type Answered = Dispatcher.ResponseData['body'];

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/**
 * Microsoft Graph for one mailbox. Every request has a token, which is renewed once after a 401,
 * and asks for ids that survive a move. Short throttling is waited out. Throws GraphError and
 * NoAnswer.
 */
export class GraphClient {
  readonly place: string;
  readonly #settings: GraphValues;
  readonly #credential: TokenCredential;
  readonly #dispatcher: Dispatcher;

  private constructor(settings: GraphValues, credential: TokenCredential, dispatcher: Dispatcher) {
    this.#settings = settings;
    this.#credential = credential;
    this.#dispatcher = dispatcher;
    this.place = settings.url.host;
  }

  /** Does not connect yet. */
  static async open(lent: TlsClientLent, settings: GraphValues): Promise<GraphClient> {
    const { url } = settings;
    if (url.protocol !== 'https:') {
      throw new DisableError(
        'url must begin with https: a token would cross the network in plain text.',
      );
    }
    const credential = await lent.credential(settings.credential);
    if (credential.kind !== 'oauth2' && credential.kind !== 'bearer') {
      throw new DisableError(
        `Graph does not support a sign-in with a credential of kind ${credential.kind}. Use oauth2.`,
      );
    }
    // Fails now if a file is missing; the files are read again for each connection.
    await clientTls(lent, settings.tls, url.hostname);
    const dispatcher = await transport(lent, reachedBy(settings));
    return new GraphClient(settings, credential, dispatcher);
  }

  /** The current token, to look at its content. */
  token(signal: AbortSignal): Promise<string> {
    return this.#credential.token(signal);
  }

  /** `path` is below the mailbox, or a link that Graph gave. An answer without a body is `{}`. */
  async ask(method: Method, path: string, question: GraphQuestion): Promise<Json> {
    const body = await this.#asked(method, path, question);
    return ofGraph(await this.#read(body));
  }

  /** Every page of a list. */
  async list(path: string, signal: AbortSignal): Promise<readonly Json[]> {
    const found: Json[] = [];
    for (let at = path; at !== ''; ) {
      const page = await this.ask('GET', at, { signal });
      if (!Array.isArray(page['value'])) throw notGraph(200);
      found.push(...listAt(page, 'value'));
      at = textAt(page, '@odata.nextLink');
    }
    return found;
  }

  /** The bytes of an answer, as they arrive. Destroy it if it is not read to its end. */
  stream(path: string, signal: AbortSignal): Promise<Readable> {
    return this.#asked('GET', path, { signal });
  }

  /** Sends a piece of a file to an upload address, which has its own authorisation. */
  async put(url: string, piece: Uint8Array, question: GraphQuestion): Promise<Json> {
    return ofGraph(await this.#read(await this.#upload(url, 'PUT', { ...question, piece })));
  }

  /** Asks an upload address which piece comes next. */
  async uploadStatus(url: string, signal: AbortSignal): Promise<Json> {
    return ofGraph(await this.#read(await this.#upload(url, 'GET', { signal })));
  }

  async close(): Promise<void> {
    await this.#dispatcher.destroy();
  }

  async #asked(method: Method, path: string, question: GraphQuestion): Promise<Answered> {
    const url = this.#urlOf(path);
    let fresh = false;
    let refused: string | undefined;
    for (let pauses = 0; ; ) {
      const token = await this.#credential.token(question.signal, { fresh, refused });
      const answer = await this.#once(url, method, { ...question, token }).catch(
        (error: unknown) =>
          // A connection that waited may just have been closed by the other side.
          method === 'GET' && error instanceof NoAnswer && error.doubtful
            ? this.#once(url, method, { ...question, token })
            : Promise.reject(error as Error),
      );
      if (answer.statusCode < 300) return answer.body;
      const error = await errorOf(answer);
      if (error.status === 401 && !fresh) {
        fresh = true;
        refused = token;
        continue;
      }
      fresh = false;
      const pause = error.retryAfter ?? Number.POSITIVE_INFINITY;
      const isBusy = error.status === 429 || error.status === 503;
      if (!isBusy || pause > SHORT_PAUSE || pauses >= PAUSES) throw error;
      pauses += 1;
      await sleep(pause, undefined, { signal: question.signal });
    }
  }

  /** Tokens are sent only to Graph, whatever a link in an answer says. */
  #urlOf(path: string): URL {
    const { url, mailbox } = this.#settings;
    if (path.startsWith('/')) {
      const base = url.href.replace(/\/$/, '');
      return new URL(`${base}/users/${encodeURIComponent(mailbox)}${path}`);
    }
    const link = new URL(path);
    if (link.origin === url.origin) return link;
    throw new DisableError(
      `An answer of ${this.place} points to ${link.host}. It is not followed: the token is only for ${this.place}.`,
    );
  }

  async #once(
    url: URL,
    method: Method,
    { token, json, headers, signal }: GraphQuestion & { readonly token: string },
  ): Promise<Dispatcher.ResponseData> {
    try {
      return await request(url, {
        method,
        dispatcher: this.#dispatcher,
        ...this.#limits(signal),
        headers: {
          authorization: `Bearer ${token}`,
          prefer: 'IdType="ImmutableId"',
          'client-request-id': randomUUID(),
          ...(json === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      });
    } catch (error) {
      throw this.#unanswered(error, signal);
    }
  }

  async #upload(
    url: string,
    method: 'PUT' | 'GET',
    { piece, headers, signal }: GraphQuestion & { readonly piece?: Uint8Array },
  ): Promise<Answered> {
    try {
      const answer = await request(url, {
        method,
        dispatcher: this.#dispatcher,
        ...this.#limits(signal),
        ...(headers === undefined ? {} : { headers }),
        ...(piece === undefined ? {} : { body: piece }),
      });
      if (answer.statusCode < 300) return answer.body;
      throw await errorOf(answer);
    } catch (error) {
      throw error instanceof GraphError ? error : this.#unanswered(error, signal);
    }
  }

  /** In one piece, which costs undici less than handing over the parts. */
  async #read(body: Answered): Promise<string> {
    try {
      return await body.text();
    } catch (error) {
      throw new NoAnswer(error, true);
    }
  }

  #limits(signal: AbortSignal): {
    signal: AbortSignal;
    headersTimeout: number;
    bodyTimeout: number;
  } {
    const { timeout } = this.#settings;
    return { signal, headersTimeout: timeout, bodyTimeout: timeout };
  }

  #unanswered(error: unknown, signal: AbortSignal): NoAnswer {
    signal.throwIfAborted();
    const { code = '' } = error as { code?: string };
    const sent = /^(UND_ERR_SOCKET|UND_ERR_HEADERS_TIMEOUT|UND_ERR_BODY_TIMEOUT|ECONNRESET|EPIPE)$/;
    return new NoAnswer(error, sent.test(code));
  }
}

function notGraph(status: number): GraphError {
  return new GraphError(status, {
    code: '',
    said: 'the answer is not from Graph',
    retryAfter: undefined,
    requestId: undefined,
  });
}

/** A page of a portal or gateway with status 200 must not be taken for an accepted mail, or for an empty folder. */
function ofGraph(text: string): Json {
  const json = jsonOf(text);
  if (text.trim() !== '' && !text.trimStart().startsWith('{')) throw notGraph(200);
  return json;
}

async function errorOf({
  statusCode,
  headers,
  body,
}: Dispatcher.ResponseData): Promise<GraphError> {
  // an incomplete one says no more than its status
  const text = await body.text().catch(() => '');
  const { error = {} } = jsonOf(text) as { error?: { code?: unknown; message?: unknown } };
  return new GraphError(statusCode, {
    code: typeof error.code === 'string' ? error.code : '',
    said: typeof error.message === 'string' ? error.message : '',
    retryAfter: pauseOf(headers['retry-after']),
    requestId: headers['request-id']?.toString(),
  });
}

/** Seconds or a date. */
function pauseOf(header: string | string[] | undefined): number | undefined {
  if (typeof header !== 'string') return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return seconds * 1_000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}
