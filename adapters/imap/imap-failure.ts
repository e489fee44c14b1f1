import { connectionCause, EngineError, NotConnectedError, TemporaryError } from 'waybill/adapter';

/** What imapflow adds to its errors. */
export interface ImapError extends Error {
  readonly code?: string;
  readonly authenticationFailed?: boolean;
  /** The response code in brackets: `AUTHENTICATIONFAILED`, `UNAVAILABLE`. */
  readonly serverResponseCode?: string;
  /** `NO` or `BAD`. */
  readonly responseStatus?: string;
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

/** What to report for a connection to `place` that could not be made or was lost, in plain words. */
export function imapFailure(error: unknown, place: string): EngineError {
  if (error instanceof EngineError) return error;
  const { code = '', tlsFailed, throttleReset } = error as ImapError;
  if (code === 'ETHROTTLE') {
    return new TemporaryError(
      `${place} asks for fewer requests. They go on after a pause.`,
      throttleReset === undefined ? {} : { retryAfter: throttleReset },
    );
  }
  if (code === 'STARTTLS_INJECTION') {
    return new NotConnectedError(
      `Not connected: somebody put data into the connection to ${place} before it was encrypted. Look into the network between here and the server.`,
    );
  }
  if (tlsFailed === true && code === '') {
    return new NotConnectedError(
      `Not connected: ${place} does not offer encryption, so nobody signs in. Use the port with TLS from the start and security tls.`,
    );
  }
  if (TIMED_OUT.has(code)) {
    return new NotConnectedError(
      `Not connected: ${place} did not answer in time. Check address, port and security, and whether a firewall drops the packets.`,
    );
  }
  if (CLOSED.has(code)) return closed(place);
  const { cause, remedy, tls } = connectionCause(error, place);
  const refused = new EngineError('TLS_REFUSED', cause, { retryable: true });
  return new NotConnectedError(
    `Not connected: ${cause}. ${remedy}.`,
    tls ? { cause: refused } : {},
  );
}

export function closed(place: string): NotConnectedError {
  return new NotConnectedError(
    `Not connected: ${place} closed the connection. Look into the log of the server if it does so often.`,
  );
}
