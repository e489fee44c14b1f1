import { DisableError, NotConnectedError, TemporaryError } from '../../error/adapter-error.ts';
import { isEngineError } from '../../error/engine-error.ts';
import { describeDuration } from '../../time/duration.ts';
import { notConnected } from '../dial.ts';
import { placeOfUrl } from './http-exchange.ts';

interface Circumstances {
  readonly url: URL;
  readonly proxy: URL | undefined;
  /** Milliseconds the peer had for its answer. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/** After these the peer may have taken the message although no answer came. */
const CUT = /^(UND_ERR_SOCKET|ECONNRESET|EPIPE|UND_ERR_RES_CONTENT_LENGTH_MISMATCH)$/;
const LATE = /^UND_ERR_(HEADERS|BODY)_TIMEOUT$/;

/** What undici threw, as the error to throw: with the cause in plain words, and never a header or a part of the address. */
export function exchangeFailure(error: unknown, circumstances: Circumstances): unknown {
  const { url, proxy, timeout, signal } = circumstances;
  signal.throwIfAborted();
  if (isEngineError(error)) return error;
  const place = placeOfUrl(url);
  const { code: written, message } = error as { code?: unknown; message?: unknown };
  const code = typeof written === 'string' ? written : '';
  const [, proxyStatus] = /^Proxy response \((\d+)\)/.exec(String(message)) ?? [];
  if (proxyStatus !== undefined) return proxyRefusal(proxyStatus, proxy, place);
  if (code === 'UND_ERR_CONNECT_TIMEOUT') {
    return notConnected(Object.assign(new Error(code), { code: 'ETIMEDOUT' }), place);
  }
  if (LATE.test(code) || CUT.test(code)) return unanswered(code, url, timeout);
  if (code.startsWith('HPE_')) {
    return new NotConnectedError(
      `Not connected: ${place} does not answer in HTTP. Check the port, and whether the address must begin with https.`,
    );
  }
  return code === '' || code.startsWith('UND_ERR_') ? error : notConnected(error, place);
}

function unanswered(code: string, url: URL, timeout: number): TemporaryError {
  const place = placeOfUrl(url);
  if (LATE.test(code)) {
    const what = code.includes('BODY') ? 'did not go on with its answer' : 'did not answer';
    return new TemporaryError(
      `${place} ${what} within ${describeDuration(timeout)}. It may have taken the message: the next try may be its second. Raise timeout if it is slow by nature.`,
    );
  }
  const hint =
    url.protocol === 'https:' ? '; a server that wants a client certificate may do the same' : '';
  return new TemporaryError(
    `${place} closed the connection before its answer was complete${hint}. It may have taken the message: look into its log.`,
  );
}

function proxyRefusal(status: string, proxy: URL | undefined, place: string): NotConnectedError {
  const remedy =
    status === '407'
      ? 'The proxy wants a sign-in: set proxyCredential'
      : 'Have the proxy allow that address';
  return new NotConnectedError(
    `Not connected: the proxy ${proxy?.host ?? ''} answered ${status} when asked for ${place}. ${remedy}.`,
  );
}

/** A credential that cannot be used now or ever, as what an operation should do about it. */
export function signInFailure(error: unknown): unknown {
  if (!isEngineError(error) || error.retryable) return error;
  // Every message would meet it, so none is failed for it.
  return new DisableError(error.message, { cause: error });
}
