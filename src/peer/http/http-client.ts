import type { Socket } from 'node:net';
import type { Dispatcher } from 'undici';
import type { Lent } from '../../adapter/adapter.ts';
import type { Credential } from '../../adapter/credential.ts';
import type { Settings } from '../../adapter/setting.ts';
import { DisableError, RejectedError, TemporaryError } from '../../error/adapter-error.ts';
import { background } from '../../error/background.ts';
import { SignInGuard } from '../sign-in-guard.ts';
import type { HttpClientValues } from './http-client-settings.ts';
import { type HttpAnswer, type HttpQuestion, placeOfUrl } from './http-exchange.ts';
import { exchangeFailure, signInFailure } from './http-failure.ts';
import { type HttpSignIn, type Signed, signInWith } from './http-sign-in.ts';
import { NtlmConnections } from './ntlm.ts';
import type { connected, pinned } from './transport.ts';
import { type RequestBody, unpacked, wholeAnswer } from './whole-answer.ts';

/** A 401 answer to a password, on its way through the guard. */
class RefusedPassword extends DisableError {
  readonly answer: HttpAnswer;

  constructor(answer: HttpAnswer) {
    super('refused');
    this.answer = answer;
  }
}

/** The first try, an answer to a challenge, and another one if its nonce was too old. */
const MOST_TRIES = 3;
const MOST_REDIRECTIONS = 10;

type Lending = Pick<Lent<Settings>, 'credential' | 'connection' | 'signal'>;

interface HttpClientOptions {
  readonly lent: Lending;
  readonly values: HttpClientValues;
  readonly credential: Credential | undefined;
  readonly dispatcher: Dispatcher;
  readonly pinned: typeof pinned;
  readonly connected: typeof connected;
}

/** What became of a request for another protocol: what was opened on the connection, or the answer of a server that did not agree. */
export type Upgraded<Opened> = { readonly opened: Opened } | { readonly answer: HttpAnswer };

/**
 * A web client that signs in by itself: a refused token is renewed once, a challenge is answered,
 * connections are kept. The credential is sent only to the host of the request.
 */
export class HttpClient {
  readonly #options: HttpClientOptions;
  #credential: Credential | undefined;
  #signIn: HttpSignIn;
  #ntlm: NtlmConnections | undefined;
  readonly #guard: SignInGuard | undefined;
  #connected: string | undefined;

  private constructor(options: HttpClientOptions) {
    const { credential, values, lent } = options;
    this.#options = options;
    // A forced stop waits for nobody.
    lent.signal.addEventListener('abort', this.#abort, { once: true });
    this.#credential = credential;
    this.#signIn = signInWith(credential, values);
    this.#guard = isAccount(credential) ? new SignInGuard() : undefined;
    this.#ntlm = this.#ntlmWith(credential);
  }

  #ntlmWith(credential: Credential | undefined): NtlmConnections | undefined {
    const { lent, values, pinned: open } = this.#options;
    if (credential?.kind !== 'ntlm') return undefined;
    return new NtlmConnections(credential, (origin, opened) =>
      open(lent, values, { origin, opened }),
    );
  }

  /** Uses a password that has been changed since; false if it is the one that was refused. */
  async #renewed(): Promise<boolean> {
    const { lent, values } = this.#options;
    const before = this.#credential;
    if (values.credential === undefined || !isAccount(before)) return false;
    const now = await lent.credential(values.credential);
    if (!isAccount(now) || (now.user === before.user && now.password === before.password)) {
      return false;
    }
    const old = this.#ntlm;
    this.#credential = now;
    this.#signIn = signInWith(now, values);
    this.#ntlm = this.#ntlmWith(now);
    await old?.close();
    return true;
  }

  /** Does not connect yet. Throws a DisableError if the settings do not fit together. */
  static async open(lent: Lending, values: HttpClientValues): Promise<HttpClient> {
    const credential = values.credential && (await lent.credential(values.credential));
    const connections = await import('./transport.ts');
    const dispatcher = await connections.transport(lent, values);
    try {
      return new HttpClient({
        lent,
        values,
        credential: credential || undefined,
        dispatcher,
        pinned: connections.pinned,
        connected: connections.connected,
      });
    } catch (error) {
      await dispatcher.destroy();
      throw error;
    }
  }

  /** The scheme of RFC 9110 §11.1 in lower case; undefined if a key is sent in another way, or there is no sign-in. */
  get scheme(): 'basic' | 'digest' | 'bearer' | 'ntlm' | 'negotiate' | undefined {
    const { signIn } = this.#options.values;
    const kind = this.#credential?.kind;
    if (kind === 'ntlm') return 'ntlm';
    if (kind === 'kerberos') return 'negotiate';
    if (kind === 'basic') return signIn === 'digest' ? 'digest' : 'basic';
    return signIn === 'auto' && (kind === 'bearer' || kind === 'oauth2') ? 'bearer' : undefined;
  }

  /** Scopes that were requested but not granted to the token. */
  notGranted(): readonly string[] {
    const credential = this.#credential;
    return credential !== undefined && 'token' in credential
      ? (credential.notGranted?.() ?? [])
      : [];
  }

  /** The token that is sent, to look at what it says; undefined if there is none. */
  async token(signal: AbortSignal): Promise<string | undefined> {
    const credential = this.#credential;
    if (credential === undefined || !('token' in credential)) return undefined;
    return credential.token(signal).catch((error: unknown) => {
      throw signInFailure(error);
    });
  }

  /** The answer with its body. Throws the errors of the adapter contract if there is none; any status is an answer. */
  async ask(question: HttpQuestion): Promise<HttpAnswer> {
    let current = question;
    for (let hops = 0; ; hops++) {
      const isHome = current === question || current.url.origin === question.url.origin;
      const answer = await this.#signedIn(current, isHome);
      const next = redirected(current, answer, this.#options.values.redirects);
      if (next === undefined) return answer;
      if (hops >= MOST_REDIRECTIONS) {
        throw new TemporaryError(
          `${placeOfUrl(question.url)} redirects more than ${MOST_REDIRECTIONS} times. Have the redirect loop removed there.`,
        );
      }
      current = next;
    }
  }

  /**
   * Asks the server to go on in another protocol, on a connection of its own and with the sign-in of any request; `shake`
   * does so on a connected socket, which is then its own. A refused token or challenge is tried again as in `ask`. Throws
   * its errors.
   */
  async upgrade<Opened>(
    { url, signal }: Pick<HttpQuestion, 'url' | 'signal'>,
    shake: (socket: Socket, signed: Signed) => Promise<Upgraded<Opened>>,
  ): Promise<Upgraded<Opened>> {
    const { lent, values, connected: connect } = this.#options;
    if (this.#ntlm !== undefined) {
      throw new DisableError(
        'NTLM does not go with a WebSocket. Use a credential of kind basic, bearer or oauth2.',
      );
    }
    let result: Upgraded<Opened> | undefined;
    const question = { method: 'GET', url, headers: {}, signal };
    const exchange = async (signed: Signed): Promise<HttpAnswer> => {
      try {
        signal.throwIfAborted();
        result = await shake(await connect(lent, values, signed.url), signed);
      } catch (error) {
        throw exchangeFailure(error, { url, ...values, signal });
      }
      return 'answer' in result
        ? result.answer
        : { status: 101, headers: {}, body: Buffer.alloc(0), url };
    };
    const answer = await this.#guardedBy(
      (): Promise<HttpAnswer> => this.#proven(question, exchange),
    );
    return result ?? { answer };
  }

  /** The same without a sign-in: what the server says to a stranger. */
  askAsNobody(question: HttpQuestion): Promise<HttpAnswer> {
    return this.#exchange(question, { url: question.url, headers: {} }, false);
  }

  async close(): Promise<void> {
    this.#options.lent.signal.removeEventListener('abort', this.#abort);
    await Promise.all([this.#options.dispatcher.destroy(), this.#ntlm?.close()]);
  }

  readonly #abort = (): void => background(this.close(), 'closing connections');

  #signedIn(question: HttpQuestion, isHome: boolean): Promise<HttpAnswer> {
    if (!isHome)
      return this.askAsNobody({ ...question, headers: withoutSecrets(question.headers) });
    return this.#guardedBy(() =>
      this.#proven(question, (signed) => this.#exchange(question, signed, true)),
    );
  }

  async #guardedBy(ask: () => Promise<HttpAnswer>): Promise<HttpAnswer> {
    const guard = this.#guard;
    if (guard === undefined) return await ask();
    try {
      return await guard.run(async () => {
        const answer = await ask();
        if (answer.status === 401) throw new RefusedPassword(answer);
        return answer;
      });
    } catch (error) {
      if (error instanceof RefusedPassword) return error.answer;
      throw error;
    }
  }

  async #proven(
    { method, url, signIn: own, signal }: HttpQuestion,
    exchange: (signed: Signed) => Promise<HttpAnswer>,
  ): Promise<HttpAnswer> {
    let refused: Signed | undefined;
    for (let tries = 1, fresh = false; ; tries++) {
      const signIn = own ?? this.#signIn;
      const signed = await signIn.sign(method, url, { fresh, refused, signal });
      const answer = await exchange(signed);
      const mayHelp = tries < MOST_TRIES && !fresh;
      if (answer.status !== 401 || !mayHelp) return answer;
      if (own === undefined && (await this.#renewed())) continue;
      if (!signIn.again(answer.headers['www-authenticate'], signed)) return answer;
      refused = signed;
      fresh =
        own !== undefined || ['token', 'ticket'].some((one) => one in (this.#credential ?? {}));
    }
  }

  async #exchange(question: HttpQuestion, signed: Signed, isHome: boolean): Promise<HttpAnswer> {
    const { dispatcher, values } = this.#options;
    const { proxy, timeout, replyLimit: limit } = values;
    const { method, url, signal } = question;
    const headers = this.#headers(question, signed);
    const request = { method, url: signed.url, headers, body: () => bodyOf(question), signal };
    const reading = { limit, begun: () => this.#report(url) };
    try {
      const answer =
        isHome && this.#ntlm !== undefined
          ? await this.#ntlm.request(request, reading)
          : await wholeAnswer(dispatcher, request, reading);
      const isPacked = answer.headers['content-encoding'] !== undefined;
      const body = isPacked ? await unpacked(answer, { limit, url }) : answer.body;
      return { status: answer.status, headers: answer.headers, body, url: signed.url };
    } catch (error) {
      throw exchangeFailure(error, { url, proxy, timeout, signal });
    }
  }

  #headers({ method, headers, body }: HttpQuestion, signed: Signed): Record<string, string> {
    const all: Record<string, string> = { ...checked(headers), ...signed.headers };
    if (body !== undefined) all['content-length'] = String(body.size);
    else if (/^(POST|PUT|PATCH)$/.test(method)) all['content-length'] = '0';
    if (this.#options.values.stayConnected <= 0) all['connection'] = 'close';
    return all;
  }

  #report(url: URL): void {
    if (this.#connected === url.host) return;
    this.#connected = url.host;
    this.#options.lent.connection('connected', placeOfUrl(url));
  }
}

type Account = Extract<Credential, { readonly kind: 'basic' | 'ntlm' }>;

/** A user with a password. */
function isAccount(credential: Credential | undefined): credential is Account {
  return credential?.kind === 'basic' || credential?.kind === 'ntlm';
}

function bodyOf({ body }: HttpQuestion): RequestBody {
  if (body === undefined) return null;
  return body.inline ?? (body.stream() as unknown as RequestBody);
}

/** A configured header may sign in as well: it is meant only for its own host. */
const SECRET =
  /^(?!idempotency-key$)(authorization|cookie|.*(key|token|secret|signature|password).*)$/i;

function withoutSecrets(headers: HttpQuestion['headers']): HttpQuestion['headers'] {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !SECRET.test(name)));
}

const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** A value from a message may break out of a header, or be impossible in one. */
function checked(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const name of Object.keys(headers)) {
    if (HEADER_VALUE.test(headers[name] ?? '')) continue;
    throw new RejectedError(
      `The value for the header ${name} has a character that is not allowed in a header. Change its template, or encode the value.`,
    );
  }
  return headers;
}

/** With these, the request is to be repeated unchanged. */
const AS_IT_WAS = new Set([307, 308]);
/** With these, clients make a GET; so it is followed only if there was no body to lose. */
const AS_GET = new Set([301, 302, 303]);

/** The request to make after a redirect; undefined if the answer is the last one. */
function redirected(
  question: HttpQuestion,
  { status, headers, url }: Pick<HttpAnswer, 'status' | 'headers' | 'url'>,
  policy: HttpClientValues['redirects'],
): HttpQuestion | undefined {
  const place = headers['location'];
  if (policy === 'never' || place === undefined) return undefined;
  const keepsBody = AS_IT_WAS.has(status) || (AS_GET.has(status) && isSafe(question));
  if (!keepsBody || !URL.canParse(place, url)) return undefined;
  const next = new URL(place, url);
  return isAllowed(url, next, policy) ? { ...question, url: next } : undefined;
}

function isAllowed(from: URL, to: URL, policy: HttpClientValues['redirects']): boolean {
  if (to.origin === from.origin) return true;
  // Never go from https to http, no matter who asks.
  return policy === 'any' && (to.protocol === 'https:' || to.protocol === from.protocol);
}

const isSafe = ({ method }: HttpQuestion): boolean => method === 'GET' || method === 'HEAD';
