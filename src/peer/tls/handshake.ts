import type { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { connect, type TLSSocket } from 'node:tls';
import {
  certificateFacts,
  dateText,
  daysUntil,
  describeCertificate,
} from '../../adapter/certificate-facts.ts';
import type { Address } from '../../adapter/setting.ts';
import { StepFailure } from '../../adapter/test-step.ts';
import { isEngineError } from '../../error/engine-error.ts';
import { connectionCause } from '../connection-cause.ts';
import { clientTls, identityProblem } from './client-tls.ts';
import { coded } from './coded.ts';
import type { TlsClientLent } from './tls-files.ts';
import type { TlsClientSettings } from './tls-settings.ts';

/** How long to wait for a late alert from the peer. */
const LISTEN_FOR = 400;
const HANDSHAKE_TIMEOUT = 5_000;

export interface Handshake {
  readonly address: Address;
  /** `host:port`, for people. */
  readonly place: string;
  /** If undefined, the public authorities are trusted. */
  readonly tls: TlsClientSettings | undefined;
  /** A connection on which the peer agreed to continue with TLS; if undefined, one is opened. */
  readonly over?: Duplex | undefined;
  readonly alpn?: string | undefined;
}

/**
 * Makes the handshake without letting node reject, so that protocol, cipher and certificates are
 * reported even if something is wrong with them. Throws a StepFailure for what is wrong.
 */
export async function tryHandshake(
  lent: TlsClientLent,
  { address, place, tls, over, alpn }: Handshake,
  detail: (text: string) => void,
): Promise<void> {
  const options = await clientTls(lent, tls, address.host).catch((error: unknown) => {
    throw connectionFailure(error, place);
  });
  const { checkServerIdentity: _, ...own } = options;
  const rest = { ...own, ...(alpn !== undefined && { ALPNProtocols: [alpn] }) };
  const way = over === undefined ? address : { socket: over };
  const socket = await shaken(connect({ ...way, ...rest, rejectUnauthorized: false }), place);
  try {
    // Read once: node 24 returns undefined the second time.
    const certificate = socket.getPeerX509Certificate();
    if (certificate !== undefined) detail(describeHandshake(socket, certificate));
    const name = tls?.serverName ?? address.host;
    const problem =
      handshakeProblem(socket, certificate, { tls, name }) ?? (await lateAlert(socket));
    if (problem !== undefined) throw afterHandshake(problem, place, rest.cert !== undefined);
  } finally {
    socket.on('error', () => undefined).destroy();
  }
}

async function shaken(socket: TLSSocket, place: string): Promise<TLSSocket> {
  const limit = AbortSignal.timeout(HANDSHAKE_TIMEOUT);
  try {
    await once(socket, 'secureConnect', { signal: limit });
    return socket;
  } catch (error) {
    socket.on('error', () => undefined).destroy();
    if (limit.aborted) throw notTls(`${place} does not answer the beginning of TLS`);
    if ((error as NodeJS.ErrnoException).code === 'ECONNRESET') {
      throw notTls(`${place} closed the connection when TLS began`);
    }
    throw connectionFailure(error, place);
  }
}

/** A peer without TLS waits for the rest of a message, or closes; so does one that knows only some addresses. */
const notTls = (cause: string): StepFailure =>
  new StepFailure(
    cause,
    'It may not speak TLS on this port: leave tls out, or use its port for TLS. Or it allows only known addresses: ask what its log says',
  );

/**
 * A peer that only closes the connection objects to our certificate, or to the lack of one: often
 * it sends no alert.
 */
function afterHandshake(problem: Error, place: string, showedOwn: boolean): StepFailure {
  if ((problem as NodeJS.ErrnoException).code !== 'ECONNRESET') {
    return connectionFailure(problem, place);
  }
  return new StepFailure(
    `${place} closed the connection right after the handshake`,
    showedOwn
      ? 'It probably refuses our certificate: send the one that was agreed, and ask what its log says'
      : 'It may want a client certificate (set certificate under tls), or allow only known addresses: ask what its log says',
  );
}

/** Turns what went wrong with a connection to `place` into the failure of a step. */
export function connectionFailure(error: unknown, place: string): StepFailure {
  if (error instanceof StepFailure) return error;
  if (isEngineError(error)) return new StepFailure(error.message, undefined, { cause: error });
  const { cause, remedy } = connectionCause(error, place);
  return new StepFailure(cause, remedy);
}

function handshakeProblem(
  socket: TLSSocket,
  certificate: X509Certificate | undefined,
  { tls, name }: { readonly tls: TlsClientSettings | undefined; readonly name: string },
): Error | undefined {
  if (certificate === undefined) return coded('ERR_SSL_NO_CERTIFICATE', undefined);
  const reason: unknown = socket.authorizationError;
  if (!socket.authorized) return coded(reasonCode(reason), certificate);
  return identityProblem(tls, name, certificate.toLegacyObject());
}

/** Node's types say Error; the value is the code as text, or an error that has one. */
function reasonCode(reason: unknown): string {
  const { code } = Object(reason) as { code?: unknown };
  return typeof code === 'string' ? code : String(reason);
}

/** With TLS 1.3 a refusal of our certificate arrives after the handshake. */
async function lateAlert(socket: TLSSocket): Promise<Error | undefined> {
  if (socket.getProtocol() !== 'TLSv1.3') return undefined;
  const limit = AbortSignal.timeout(LISTEN_FOR);
  try {
    await once(socket.resume(), 'close', { signal: limit });
    return coded('ECONNRESET', undefined);
  } catch (error) {
    return limit.aborted ? undefined : (error as Error);
  }
}

function describeHandshake(socket: TLSSocket, certificate: X509Certificate): string {
  const facts = certificateFacts(certificate);
  const days = daysUntil(facts.notAfter);
  const soon =
    days >= 0 && days < 30 ? ` (only ${days} days: renew by ${dateText(facts.notAfter)})` : '';
  const names = facts.names.length === 0 ? '' : `, for ${facts.names.join(', ')}`;
  return `${socket.getProtocol() ?? ''} ${socket.getCipher().name}; ${describeCertificate(facts)}${soon}${names}; ${describeChain(certificate)}`;
}

/** The certificates sent with the peer's own: a missing one is often the reason. */
function describeChain(certificate: X509Certificate): string {
  const sent: string[] = [];
  const seen = new Set([certificate.fingerprint256]);
  let next = certificate.issuerCertificate;
  while (next !== undefined && !seen.has(next.fingerprint256)) {
    seen.add(next.fingerprint256);
    const { subject, notAfter } = certificateFacts(next);
    sent.push(`${subject || '(no subject)'} (until ${dateText(notAfter)})`);
    next = next.issuerCertificate;
  }
  return sent.length === 0 ? 'sent without intermediates' : `sent with ${sent.join(', ')}`;
}
