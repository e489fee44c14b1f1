import type { Readable } from 'node:stream';
import { buffer, text as textOf } from 'node:stream/consumers';
import type { Dispatcher } from 'undici';
import type { Lent } from 'waybill/adapter';
import {
  exchangeFailure,
  placeOfUrl,
  signInFailure,
  type TransportValues,
  transport,
} from 'waybill/peer/http';
import { clientTls } from 'waybill/peer/tls';
import { azureFailure, isSignInRefused } from './azure-failure.ts';
import type { AzureValues, azureSettings } from './azure-settings.ts';
import { type AzureSite, azureSite, withQuery } from './azure-site.ts';

/** The newest version that Azure Stack's and Azurite's current releases take; with it come tags and large blocks. */
const VERSION = '2021-12-02';
const CONNECTIONS = 16;

export type AzureLent = Pick<
  Lent<typeof azureSettings>,
  'credential' | 'connection' | 'peerCertificate' | 'signal'
> & { readonly settings: AzureValues };

type Method = 'GET' | 'HEAD' | 'PUT' | 'DELETE';

export interface AzureQuestion {
  /** The blob's key; undefined for the container. */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly signal?: AbortSignal;
}

export interface AzureAnswer {
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Readable;
}

/**
 * Asks the blob service, with a version and a signature for each request. Throws a DisableError for a sign-in that will not
 * be accepted, FileErrors for what is wrong with one blob, else what may pass.
 */
export class AzureClient {
  readonly place: string;
  readonly as: string;
  readonly #site: AzureSite;
  readonly #dispatcher: Dispatcher;
  /** Aborts when the host stops. */
  readonly signal: AbortSignal;
  readonly #timeout: number;
  readonly #proxy: URL | undefined;

  private constructor(
    site: AzureSite,
    dispatcher: Dispatcher,
    { signal, settings }: Pick<AzureLent, 'signal' | 'settings'>,
  ) {
    this.place = placeOfUrl(site.container);
    this.as = site.as;
    this.#site = site;
    this.#dispatcher = dispatcher;
    this.signal = signal;
    this.#timeout = settings.timeout;
    this.#proxy = settings.proxy;
  }

  /** Does not connect yet. Throws what the credential throws, and a DisableError if it cannot be used. */
  static async open(lent: AzureLent): Promise<AzureClient> {
    const { settings } = lent;
    const site = await siteOf(lent);
    // fails now if a file is missing; the files are read again for each connection
    await clientTls(lent, settings.tls, site.container.hostname);
    return new AzureClient(site, await transport(lent, reachedBy(settings)), lent);
  }

  /** The address of a blob, signed so that the server itself can read it for a copy. */
  async source(key: string): Promise<string> {
    const signed = await this.#site.sign(
      { method: 'GET', url: this.#url({ key }), headers: {} },
      { fresh: false, signal: this.signal },
    );
    return signed.url.href;
  }

  /** The answer, whose body must be read or destroyed. */
  async ask(method: Method, question: AzureQuestion): Promise<AzureAnswer> {
    for (let fresh = false; ; fresh = true) {
      const { statusCode: status, headers, body } = await this.#exchange(method, question, fresh);
      const said = headers as Readonly<Record<string, string | undefined>>;
      if (status < 300) return { headers: said, body };
      const text = await this.#heard(textOf(body));
      const { way, until, renewable } = this.#site;
      const [code, retryAfter] = [said['x-ms-error-code'] ?? codeIn(text), said['retry-after']];
      if (isSignInRefused({ status, code }) && renewable && !fresh) continue;
      throw azureFailure({ status, code, text, retryAfter, way, until }, this.place);
    }
  }

  /** The same where the body does not matter. */
  async tell(method: Method, question: AzureQuestion): Promise<AzureAnswer['headers']> {
    const { headers, body } = await this.ask(method, question);
    await this.#heard(body.resume().toArray());
    return headers;
  }

  /** The same for its whole body. */
  async whole(method: Method, question: AzureQuestion): Promise<Buffer> {
    const { body } = await this.ask(method, question);
    return this.#heard(buffer(body));
  }

  /** The body as it comes, destroyed if it is not read to its end. */
  async *chunks(body: Readable): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const chunk of body) yield chunk as Buffer;
    } catch (error) {
      throw this.#failure(error, this.signal);
    } finally {
      body.on('error', () => undefined).destroy();
    }
  }

  async close(): Promise<void> {
    await this.#dispatcher.destroy();
  }

  #url({ key, query = {} }: Pick<AzureQuestion, 'key' | 'query'>): URL {
    const below = key === undefined ? '' : `/${key.split('/').map(encodeURIComponent).join('/')}`;
    const url = new URL(`${this.#site.container.href}${below}`);
    const search = new URLSearchParams(query).toString().replaceAll('+', '%20');
    return search === '' ? url : withQuery(url, search);
  }

  async #exchange(
    method: Method,
    { headers = {}, body, signal: own, ...where }: AzureQuestion,
    fresh: boolean,
  ): Promise<Dispatcher.ResponseData> {
    const signal = own ?? this.signal;
    const unsigned = {
      method,
      url: this.#url(where),
      headers: {
        ...headers,
        'x-ms-version': VERSION,
        'x-ms-date': new Date().toUTCString(),
        ...(method === 'PUT' && { 'content-length': String(body?.byteLength ?? 0) }),
      },
    };
    const signed = await this.#site.sign(unsigned, { fresh, signal }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw signInFailure(error);
    });
    const { url } = signed;
    const request = {
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method,
      headers: signed.headers,
      body: body ?? null,
      signal,
    };
    try {
      return await this.#dispatcher.request(request);
    } catch (error) {
      throw this.#failure(error, signal);
    }
  }

  async #heard<Value>(reading: Promise<Value>): Promise<Value> {
    try {
      return await reading;
    } catch (error) {
      throw this.#failure(error, this.signal);
    }
  }

  #failure(error: unknown, signal: AbortSignal): unknown {
    const [url, proxy, timeout] = [this.#site.container, this.#proxy, this.#timeout];
    return exchangeFailure(error, { url, proxy, timeout, signal });
  }
}

export async function siteOf(
  lent: Pick<AzureLent, 'credential' | 'signal' | 'settings'>,
): Promise<AzureSite> {
  const { settings, signal } = lent;
  return azureSite(settings, await lent.credential(settings.credential), signal);
}

export const reachedBy = (settings: AzureValues): TransportValues => ({
  tls: settings.tls,
  proxy: settings.proxy,
  proxyCredential: settings.proxyCredential,
  timeout: settings.timeout,
  connectTimeout: settings.connectTimeout,
  stayConnected: 30_000,
  connections: CONNECTIONS,
});

/** Older servers give the code only in the body. */
const codeIn = (text: string): string => /<Code>(\w{1,80})<\/Code>/.exec(text)?.[1] ?? '';
