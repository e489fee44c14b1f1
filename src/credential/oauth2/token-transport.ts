import { X509Certificate } from 'node:crypto';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import type { Dispatcher } from 'undici';
import { certificateFacts } from '../../adapter/certificate-facts.ts';
import { connectionCause } from '../../peer/connection-cause.ts';
import { placeOfUrl } from '../../peer/http/http-exchange.ts';
import { describeDuration } from '../../time/duration.ts';
import { timerTime } from '../../time/timer.ts';
import { CredentialError } from '../credential-error.ts';
import type { TokenLent } from './token-lent.ts';

/** The answer of a token server, read completely. */
export interface TokenAnswer {
  /** `host:port`, for errors. */
  readonly place: string;
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The JSON object of the body; undefined if the body is not one. */
  readonly body: Readonly<Record<string, unknown>> | undefined;
}

export interface TokenRequest {
  readonly method: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** One connection to a token server, closed once the token has arrived: tokens are requested about once an hour. */
export interface TokenTransport extends AsyncDisposable {
  /** Rejects with CREDENTIAL_UNAVAILABLE if there is no answer; any status is an answer. */
  ask(url: URL, question: TokenRequest): Promise<TokenAnswer>;
}

export interface TransportSettings extends Pick<TokenLent, 'peerCertificate'> {
  readonly credential: string;
  /** PEM; undefined trusts the well-known authorities. */
  readonly trust: string | undefined;
  readonly proxy: URL | undefined;
  /** Milliseconds for each request, from the name look-up to the last byte. */
  readonly timeout: number;
  /** Used in the TLS handshake. */
  readonly certificate?: { readonly cert: string; readonly key: string } | undefined;
}

/** A token has some kilobytes; a longer answer is a mistake or an attack. */
const LONGEST_ANSWER = 1_048_576;

/** Opens nothing yet. Aborting `signal` ends requests under way. */
export function tokenTransport(settings: TransportSettings, signal: AbortSignal): TokenTransport {
  let opened: Promise<Dispatcher> | undefined;
  return {
    async ask(url, question) {
      const timeout = AbortSignal.timeout(timerTime(settings.timeout));
      try {
        opened ??= dispatcherFor(settings);
        return await exchange(url, question, {
          dispatcher: await opened,
          signal: AbortSignal.any([signal, timeout]),
        });
      } catch (error) {
        signal.throwIfAborted();
        throw unanswered(error, url, { ...settings, timedOut: timeout.aborted });
      }
    },
    async [Symbol.asyncDispose]() {
      await (await opened)?.destroy();
    },
  };
}

/** The library is loaded by the first question: most productions have no such credential. */
async function dispatcherFor(settings: TransportSettings): Promise<Dispatcher> {
  const { Agent, ProxyAgent } = await import('undici');
  const { trust, proxy, certificate, peerCertificate } = settings;
  const tls = {
    ...(trust !== undefined && { ca: trust }),
    ...certificate,
    checkServerIdentity(host: string, shown: PeerCertificate) {
      const problem = checkServerIdentity(host, shown);
      if (problem === undefined) {
        peerCertificate?.(host, certificateFacts(new X509Certificate(shown.raw)));
      }
      return problem;
    },
  };
  const limits = { maxResponseSize: LONGEST_ANSWER };
  return proxy === undefined
    ? new Agent({ ...limits, connect: tls })
    : new ProxyAgent({ ...limits, uri: proxy.href, requestTls: tls });
}

async function exchange(
  url: URL,
  question: TokenRequest,
  on: { readonly dispatcher: Dispatcher; readonly signal: AbortSignal },
): Promise<TokenAnswer> {
  const { request } = await import('undici');
  const answer = await request(url, { ...question, ...on });
  const text = await answer.body.text();
  const headers = Object.entries(answer.headers).map(([name, value]) => [name, String(value)]);
  return {
    place: placeOfUrl(url),
    status: answer.statusCode,
    headers: Object.fromEntries(headers) as Record<string, string>,
    body: jsonObject(text),
  };
}

function jsonObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    // not JSON
    return undefined;
  }
}

/** Codes of undici for which node has another code. */
const SAME: Readonly<Record<string, string>> = {
  UND_ERR_CONNECT_TIMEOUT: 'ETIMEDOUT',
  UND_ERR_SOCKET: 'ECONNRESET',
};

interface Circumstances extends TransportSettings {
  readonly timedOut: boolean;
}

function unanswered(error: unknown, url: URL, { timedOut, ...settings }: Circumstances): Error {
  const place = placeOfUrl(url);
  const unavailable = (cause: string, remedy: string): CredentialError =>
    new CredentialError('CREDENTIAL_UNAVAILABLE', settings.credential, {
      cause,
      remedy,
      retryable: true,
    });
  if (timedOut) {
    return unavailable(
      `the token server ${place} did not answer within ${describeDuration(settings.timeout)}`,
      'Check whether a firewall blocks the connection, and whether the server is overloaded',
    );
  }
  const { code, message } = error as { code?: unknown; message?: unknown };
  const [, proxyStatus] = /^Proxy response \((\d+)\)/.exec(String(message)) ?? [];
  if (proxyStatus !== undefined) {
    return unavailable(
      `the proxy ${settings.proxy?.host ?? ''} answered ${proxyStatus} when asked to connect to ${place}`,
      proxyStatus === '407'
        ? 'The proxy wants a sign-in: give user and password in the address of proxy'
        : 'Have the proxy allow that address',
    );
  }
  const same = SAME[String(code)];
  const { cause, remedy } = connectionCause(
    same === undefined ? error : Object.assign(new Error(same), { code: same }),
    place,
  );
  return unavailable(cause, remedy);
}
