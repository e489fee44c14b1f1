import { once } from 'node:events';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectSecure } from 'node:tls';
import type { Address } from '../adapter/setting.ts';
import { NotConnectedError } from '../error/adapter-error.ts';
import { EngineError, isEngineError } from '../error/engine-error.ts';
import { describeDuration } from '../time/duration.ts';
import { timerTime } from '../time/timer.ts';
import { answersInClear, connectionCause } from './connection-cause.ts';
import { clientTls } from './tls/client-tls.ts';
import type { TlsClientLent } from './tls/tls-files.ts';
import type { TlsClientSettings } from './tls/tls-settings.ts';

export interface Dialling {
  readonly address: Address;
  /** Undefined connects in plain text. */
  readonly tls?: TlsClientSettings | undefined;
  /** Milliseconds for the name lookup, TCP and TLS together. */
  readonly timeout: number;
  /** The usual port for STARTTLS, for error texts. */
  readonly startTlsPort?: string;
}

/** `host:port` for people, with brackets around an IPv6 address. */
export function placeOf({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * Opens a connection, with keep-alive and without Nagle's delay; with TLS, once the handshake is
 * done and the peer is verified. Throws NotConnectedError with the cause in plain words; if TLS was
 * at fault, its `cause` is a TLS_REFUSED.
 *
 * With TLS 1.3 a peer refuses our certificate only after this: the refusal arrives with the first
 * read, as an error of the socket. Explain that with `connectionCause` as well.
 */
export async function dial(
  lent: TlsClientLent,
  { address, tls, timeout, startTlsPort }: Dialling,
  signal: AbortSignal,
): Promise<Socket> {
  const { host, port } = address;
  const place = placeOf(address);
  const limit = AbortSignal.timeout(timerTime(timeout));
  const either = AbortSignal.any([signal, limit]);
  const options = tls === undefined ? undefined : await clientTls(lent, tls, host);
  signal.throwIfAborted();
  const socket =
    options === undefined
      ? connectPlain({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 })
      : connectSecure({ host, port, ...options });
  try {
    await once(socket, options === undefined ? 'connect' : 'secureConnect', { signal: either });
    return socket.setNoDelay(true).setKeepAlive(true, 30_000);
  } catch (error) {
    // A destroyed socket may still report the error it was destroyed with.
    socket.on('error', () => undefined).destroy();
    signal.throwIfAborted();
    if (limit.aborted) throw notInTime(place, timeout);
    if (startTlsPort !== undefined && answersInClear(error)) throw inClear(place, startTlsPort);
    throw notConnected(error, place);
  }
}

/** The error if we spoke TLS from the start to a port that begins in plain text. */
export function inClear(place: string, startTlsPort: string): NotConnectedError {
  return new NotConnectedError(
    `Not connected: ${place} answers in plain text and not with TLS. If this is the port for STARTTLS (${startTlsPort}), set security: starttls.`,
  );
}

function notInTime(place: string, timeout: number): NotConnectedError {
  return new NotConnectedError(
    `${place} did not answer within ${describeDuration(timeout)}. Check the address and whether a firewall drops the packets.`,
  );
}

/** The error to throw when connecting to `place`, or listening there, went wrong. */
export function notConnected(
  error: unknown,
  place: string,
  what: 'Not connected' | 'Not listening' = 'Not connected',
): NotConnectedError {
  if (isEngineError(error)) return new NotConnectedError(error.message, { cause: error });
  const { cause, remedy, tls } = connectionCause(error, place);
  const text = `${what}: ${cause}. ${remedy}.`;
  return tls
    ? new NotConnectedError(text, {
        cause: new EngineError('TLS_REFUSED', cause, { retryable: true }),
      })
    : new NotConnectedError(text, { cause: error });
}
