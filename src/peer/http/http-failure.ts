import { DisableError, NotConnectedError, TemporaryError } from '../../error/adapter-error.ts';
import { isEngineError } from '../../error/engine-error.ts';
import { describeDuration } from '../../time/duration.ts';
import { notConnected } from '../dial.ts';
import { coded } from '../tls/coded.ts';
import { placeOfUrl } from './http-exchange.ts';
import { proxyRefusal } from './tunnel.ts';

interface Circumstances {
  readonly url: URL;
  readonly proxy: URL | undefined;
  /** Milliseconds the peer had for its answer. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/** After these the peer may have received the message although no answer came. */
const CUT = /^(UND_ERR_SOCKET|ECONNRESET|EPIPE|UND_ERR_RES_CONTENT_LENGTH_MISMATCH)$/;
const LATE = /^UND_ERR_(HEADERS|BODY)_TIMEOUT$/;

/**
 * Turns what undici threw into the error to throw: with the cause in plain words, and never a
 * header or a part of the address.
 */
export function exchangeFailure(error: unknown, circumstances: Circumstances): unknown {
  const { url, proxy, timeout, signal } = circumstances;
  signal.throwIfAborted();
  if (isEngineError(error)) return error;
  const place = placeOfUrl(url);
  const { code: written, message } = error as { code?: unknown; message?: unknown };
  const code = typeof written === 'string' ? written : '';
  // A plain request is handed to the proxy: that is who we connected to.
  const forwarder = url.protocol === 'http:' ? proxy : undefined;
  if (forwarder && String(message).startsWith('Proxy Authentication Required')) {
    return proxyRefusal(407, forwarder, place);
  }
  if (LATE.test(code) || CUT.test(code)) return unanswered(code, url, timeout);
  if (code.startsWith('HPE_')) {
    return new NotConnectedError(
      `Not connected: ${place} does not answer in HTTP. Check the port, and whether the address must begin with https.`,
    );
  }
  return unreached(code, error, placeOfUrl(forwarder ?? url));
}

function unreached(code: string, error: unknown, place: string): unknown {
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return notConnected(coded('ETIMEDOUT', undefined), place);
  return code === '' || code.startsWith('UND_ERR_') ? error : notConnected(error, place);
}

function unanswered(code: string, url: URL, timeout: number): TemporaryError {
  const place = placeOfUrl(url);
  if (LATE.test(code)) {
    const what = code.includes('BODY') ? 'stopped in the middle of its answer' : 'did not answer';
    return new TemporaryError(
      `${place} ${what} within ${describeDuration(timeout)}. It may have the message: the next try may be a duplicate. Raise timeout if it is always slow.`,
    );
  }
  const hint =
    url.protocol === 'https:' ? '; a server that wants a client certificate may do the same' : '';
  return new TemporaryError(
    `${place} closed the connection before its answer was complete${hint}. It may have the message: look at its log.`,
  );
}

/** The error to throw for a credential that cannot be used now, or never. */
export function signInFailure(error: unknown): unknown {
  if (!isEngineError(error) || error.retryable) return error;
  // It would affect every message, so no message is failed for it.
  return new DisableError(error.message, { cause: error });
}
