import { EngineError, NotConnectedError, TemporaryError } from 'waybill/adapter';
import { answersInClear, connectionCause, inClear } from 'waybill/peer/basics';
import {
  type Goodbye,
  type ImapRefusal,
  isPassing,
  refusalFailure,
  refusalReason,
} from './imap-refusal.ts';

/** What imapflow adds to its errors. */
export interface ImapError extends Error, ImapRefusal {
  readonly code?: string;
  readonly authenticationFailed?: boolean;
  readonly response?: unknown;
  readonly oauthError?: unknown;
  readonly tlsFailed?: boolean;
  readonly throttleReset?: number;
}

const CLOSED = new Set([
  'NoConnection',
  'EConnectionClosed',
  'StateLogout',
  'ClosedAfterConnectText',
  'ClosedAfterConnectTLS',
]);
const TIMED_OUT = new Set(['CONNECT_TIMEOUT', 'GREETING_TIMEOUT', 'UPGRADE_TIMEOUT', 'ETIMEOUT']);

/**
 * The error for a refused command, or for a connection to `place` that could not be made or was
 * lost, in plain words. `bye` is how the server closed it, if it said so.
 */
export function imapFailure(error: unknown, place: string, bye?: Goodbye): EngineError {
  if (error instanceof EngineError) return error;
  const failure = error as ImapError;
  const { code = '', throttleReset, responseStatus } = failure;
  if (code === 'ETHROTTLE') {
    return new TemporaryError(
      `${place} asks for fewer requests. They continue after a pause.`,
      throttleReset === undefined ? {} : { retryAfter: throttleReset },
    );
  }
  if (CLOSED.has(code) || responseStatus === 'BYE') return closed(place, bye);
  if (responseStatus !== undefined) {
    return refusalFailure(failure, {
      what: `${place} refused a command`,
      otherwise: 'it does not say why. Look at its log',
    });
  }
  return notReached(failure, place);
}

function notReached(failure: ImapError, place: string): NotConnectedError {
  const { code = '', tlsFailed } = failure;
  if (code === 'STARTTLS_INJECTION') {
    return new NotConnectedError(
      `Not connected: somebody inserted data into the connection to ${place} before it was encrypted. Check the network between here and the server.`,
    );
  }
  if (tlsFailed === true && code === '') {
    return new NotConnectedError(
      `Not connected: ${place} does not offer encryption, so we do not sign in. Use the port with TLS from the start and security tls.`,
    );
  }
  if (answersInClear(failure)) {
    return inClear(place, '143');
  }
  if (code === 'GREETING_TIMEOUT') {
    return new NotConnectedError(
      `Not connected: ${place} did not greet. It may speak TLS from the start (port 993): use security tls.`,
    );
  }
  if (TIMED_OUT.has(code)) {
    return new NotConnectedError(
      `Not connected: ${place} did not answer in time. Check address, port and security, and whether a firewall drops the packets.`,
    );
  }
  const { cause, remedy, tls } = connectionCause(failure, place);
  const refused = new EngineError('TLS_REFUSED', cause, { retryable: true });
  return new NotConnectedError(
    `Not connected: ${cause}. ${remedy}.`,
    tls ? { cause: refused } : {},
  );
}

/** The server, or something in between, closed the connection; with the reason it gave. */
export function closed(place: string, bye?: Goodbye): EngineError {
  const ended = `${place} closed the connection`;
  if (bye === undefined) {
    return new NotConnectedError(
      `Not connected: ${ended}. Look at the log of the server if this happens often.`,
    );
  }
  const { code, reason } = bye;
  const detail = reason === undefined ? {} : { detail: reason };
  const why = code === undefined ? undefined : refusalReason({ serverResponseCode: code });
  const text = `${ended} (BYE${code === undefined ? '' : ` [${code}]`}): ${why ?? 'it gave no code. Look at its log if this happens often'}.`;
  return code !== undefined && isPassing(code)
    ? new TemporaryError(text, detail)
    : new NotConnectedError(`Not connected: ${text}`, detail);
}
