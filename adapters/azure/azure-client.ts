import type { Readable } from 'node:stream';
import { buffer, text as textOf } from 'node:stream/consumers';
import type { Dispatcher } from 'undici';
import { DisableError, type Lent, TemporaryError } from 'waybill/adapter';
import { FileError, type FileProblem } from 'waybill/peer/folder';
import {
  exchangeFailure,
  placeOfUrl,
  retryAfterOf,
  signInFailure,
  type TransportValues,
  transport,
} from 'waybill/peer/http';
import { clientTls } from 'waybill/peer/tls';
import type { AzureValues, azureSettings } from './azure-settings.ts';
import { type AzureSite, azureSite, type SigningWay, withQuery } from './azure-site.ts';

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
      { signal: this.signal },
    );
    return signed.url.href;
  }

  /** The answer, whose body must be read or destroyed. */
  async ask(method: Method, question: AzureQuestion): Promise<AzureAnswer> {
    for (let refused: string | undefined; ; ) {
      const { answer, token } = await this.#exchange(method, question, refused);
      const { statusCode: status, headers, body } = answer;
      const said = headers as Readonly<Record<string, string | undefined>>;
      if (status < 300) return { headers: said, body };
      const text = await this.#heard(textOf(body));
      const { way, until, renewable } = this.#site;
      const [code, retryAfter] = [said['x-ms-error-code'] ?? codeIn(text), said['retry-after']];
      if (isSignInRefused({ status, code }) && renewable && refused === undefined) {
        refused = token;
        continue;
      }
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
    refused: string | undefined,
  ): Promise<{ readonly answer: Dispatcher.ResponseData; readonly token: string | undefined }> {
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
    const signed = await this.#site.sign(unsigned, { refused, signal }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw signInFailure(error);
    });
    const { url, token } = signed;
    const request = {
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method,
      headers: signed.headers,
      body: body ?? null,
      signal,
    };
    try {
      return { answer: await this.#dispatcher.request(request), token };
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

/** Codes after which nothing can be done with the container at all. */
const UNUSABLE: Readonly<Record<string, string>> = {
  NoAuthenticationInformation: 'The server wants a sign-in. Correct the credential.',
  KeyBasedAuthenticationNotPermitted:
    'The account takes no keys. Use a credential of kind oauth2, or have keys allowed.',
  AccountIsDisabled: 'The storage account is disabled. Ask its owner.',
  AuthorizationFailure:
    'The account refuses this machine or this signature: its network rules, the key, or what the SAS allows. Compare the key, and have the address of this machine allowed, or a private endpoint made.',
  AuthorizationSourceIPMismatch:
    'The SAS is for other addresses than that of this machine. Have a new one made.',
  AuthorizationProtocolMismatch: 'The SAS is for https only. Use https.',
  AuthorizationServiceMismatch: 'The SAS is not for blobs. Have a new one made.',
  ContainerNotFound: 'There is no such container. Correct container, account or endpoint.',
  InvalidResourceName: 'The name of the container is not one. Correct container.',
  ResourceTypeMismatch: 'The container is not one of blobs. Correct container.',
};

const LEASED = 'Somebody else holds a lease on the blob. It is tried again until that ends.';
const DENIED =
  'The server denies it. Give the account the role Storage Blob Data Contributor (for tags Storage Blob Data Owner), or the SAS the right.';
const TAKEN = 'There is a blob of that name.';
const CHANGED = 'The blob was changed meanwhile. It is looked at again.';

const PROBLEMS: Readonly<Record<string, readonly [FileProblem, text: string]>> = {
  BlobNotFound: ['missing', 'There is no such blob.'],
  ResourceNotFound: ['missing', 'There is no such blob.'],
  CannotVerifyCopySource: ['missing', 'The blob that should be copied cannot be read.'],
  AuthorizationPermissionMismatch: ['denied', DENIED],
  AuthorizationResourceTypeMismatch: ['denied', DENIED],
  InsufficientAccountPermissions: ['denied', DENIED],
  UnauthorizedBlobOverwrite: ['exists', TAKEN],
  BlobAlreadyExists: ['exists', TAKEN],
  TargetConditionNotMet: ['exists', TAKEN],
  InvalidBlobType: ['exists', 'There is a blob of that name, and it is of another type.'],
  ConditionNotMet: ['changed', CHANGED],
  SourceConditionNotMet: ['changed', CHANGED],
  LeaseAlreadyPresent: ['changed', LEASED],
  LeaseIdMismatchWithLeaseOperation: ['changed', LEASED],
  LeaseIdMismatchWithBlobOperation: ['changed', LEASED],
  LeaseLost: ['changed', LEASED],
  LeaseIdMissing: ['failed', LEASED],
  LeaseIsBreakingAndCannotBeAcquired: ['changed', LEASED],
  BlobArchived: [
    'failed',
    'The blob is in the archive tier and cannot be read. Have it moved to a warmer tier.',
  ],
  BlobBeingRehydrated: ['failed', 'The blob is still being brought back from the archive tier.'],
  BlobImmutableDueToPolicy: [
    'denied',
    'A policy or legal hold keeps the blob as it is. Set keep, so that it stays and is remembered.',
  ],
  RequestBodyTooLarge: ['failed', 'The blob is larger than the server takes.'],
  BlockCountExceedsLimit: ['failed', 'The blob has too many blocks.'],
  InvalidTagName: ['failed', 'The server does not take the tag’s name. Correct tag.'],
  FeatureNotSupportedForAccount: [
    'unsupported',
    'The account cannot do that: with a hierarchical namespace there are no tags.',
  ],
};

/** An answer that is a refusal: its status, code, and what it says of a refused sign-in. */
interface Refused {
  readonly status: number;
  /** How the request was signed. */
  readonly way: SigningWay;
  /** When the signature ends. */
  readonly until: number | undefined;
  /** `x-ms-error-code`. */
  readonly code: string;
  /** The body, of which only known phrases are looked for: it may name a blob. */
  readonly text: string;
  readonly retryAfter: string | undefined;
}

/** The error to throw for a refusal. The server's own text is not kept. */
function azureFailure(refused: Refused, place: string): Error {
  const { status, code } = refused;
  if (isOver(refused) || isSignInRefused(refused)) return new DisableError(signInText(refused));
  const unusable = UNUSABLE[code];
  if (unusable !== undefined) return new DisableError(unusable);
  const [problem, said] = PROBLEMS[code] ?? byStatus(status) ?? [];
  if (problem !== undefined && said !== undefined) return new FileError(problem, said);
  return laterError(refused, place);
}

function laterError({ status, code, retryAfter }: Refused, place: string): TemporaryError {
  const wait = retryAfterOf(retryAfter);
  const busy = status === 429 || status === 503;
  const what = busy ? 'is busy' : `answered with status ${status}`;
  const named = code === '' ? '' : ` (${code.slice(0, 60)})`;
  const remedy = busy
    ? 'It is tried again; if that lasts, the account is at its limit.'
    : 'Look at its log.';
  return new TemporaryError(`${place} ${what}${named}. ${remedy}`, {
    ...(wait !== undefined && { retryAfter: wait }),
  });
}

const FAILED = new Set(['AuthenticationFailed', 'InvalidAuthenticationInfo']);

/** Whether it is the sign-in that is not accepted. */
const isSignInRefused = ({ status, code }: Pick<Refused, 'status' | 'code'>): boolean =>
  FAILED.has(code) || (status === 401 && UNUSABLE[code] === undefined);

const isOver = ({ status, until }: Pick<Refused, 'status' | 'until'>): boolean =>
  (status === 401 || status === 403) && until !== undefined && until < Date.now();

const NOT_ACCEPTED: Readonly<Record<SigningWay, string>> = {
  key: 'The signature does not fit: the key is not one of the account. Correct the credential; a proxy that changes the address also breaks it.',
  signature:
    'The shared access signature is not accepted: it is damaged, or its key was exchanged. Have a new one made.',
  token:
    'The server does not accept the token. Compare its scope (https://storage.azure.com/.default), its tenant and the clocks.',
};

/** One code for a wrong key, a changed request, a wrong clock and a SAS that is over. */
function signInText({ text, way, ...refused }: Refused): string {
  if (isOver(refused) || /not valid in the specified time frame/i.test(text)) {
    return 'The SAS has expired or is not yet valid. Have a new one made, and look at the clock of this machine.';
  }
  if (/date header too old/i.test(text)) {
    return 'The clocks differ by more than 15 minutes. Correct the clock of this machine.';
  }
  return NOT_ACCEPTED[way];
}

/** Where the server gives no code that is known. */
function byStatus(status: number): readonly [FileProblem, string] | undefined {
  if (status === 403) return ['denied', DENIED];
  if (status === 404) return PROBLEMS['BlobNotFound'];
  if (status === 409)
    return ['failed', 'The state of the blob does not allow it. It is tried again.'];
  if (status === 413) return PROBLEMS['RequestBodyTooLarge'];
  return status === 412 ? PROBLEMS['ConditionNotMet'] : undefined;
}
