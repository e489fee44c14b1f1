import type { X509Certificate } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectSecure, type TLSSocket } from 'node:tls';
import { isEngineError } from '../error/engine-error.ts';
import { connectionCause } from './connection-cause.ts';
import { placeOf } from './dial.ts';
import type { Address } from './setting.ts';
import { type SpokenProtocol, spokenProtocol } from './spoken-protocol.ts';
import { type Step, StepFailure } from './test-step.ts';
import {
  certificateFacts,
  dateText,
  daysUntil,
  describeCertificate,
} from './tls/certificate-facts.ts';
import { clientTls, identityProblem } from './tls/client-tls.ts';
import { coded } from './tls/coded.ts';
import type { TlsLent } from './tls/tls-files.ts';
import type { TlsClientSettings } from './tls/tls-settings.ts';

const CONNECT_TIMEOUT = 5_000;
/** How long a server that speaks first (SSH, SMTP, FTP …) is given to do so, and a late TLS alert to arrive. */
const LISTEN_FOR = 400;

export interface Probe {
  readonly address: Address;
  /** Undefined where the adapter connects in plain text. */
  readonly tls?: TlsClientSettings | undefined;
  /** TLS with the public authorities where the adapter always encrypts and has no `tls` block (https). */
  readonly alwaysTls?: boolean;
  /**
   * Whether the peer waits for us to speak first, as with MLLP and HTTP. The plain port is then
   * also listened to: a banner, or a TLS hello that is answered, means that another service is there.
   */
  readonly silent?: boolean;
}

/**
 * The first steps of every connection test: `name`, `TCP`, and `TLS` if it is configured. Nothing of
 * the adapter's own protocol is sent and the connection is closed again. A plain port that turns out to speak
 * TLS, SSH, HTTP, SMTP or FTP is named, and so is a TLS port that speaks plain text.
 */
export async function probe(
  lent: Pick<TlsLent, 'credential'>,
  step: Step,
  { address, tls, alwaysTls = false, silent = false }: Probe,
): Promise<void> {
  await step('name', async (detail) => detail(await resolve(address)));
  await step('TCP', async (detail) => {
    const begin = performance.now();
    const socket = await connected(connectPlain(address), address);
    const took = Math.round(performance.now() - begin);
    detail(`connected to ${socket.remoteAddress ?? ''}:${address.port} in ${took} ms`);
    try {
      if (silent && tls === undefined && !alwaysTls) await expectSilence(socket, address);
    } finally {
      socket.destroy();
    }
  });
  if (tls === undefined && !alwaysTls) return;
  await tryTls(lent, step, { address, tls });
}

/** The step `TLS` of a connection test. `socket` is one that leads to the address already, through a proxy. */
export function tryTls(
  lent: Pick<TlsLent, 'credential'>,
  step: Step,
  { socket, ...peer }: Pick<Probe, 'address' | 'tls'> & { readonly socket?: Socket },
): Promise<void> {
  return step('TLS', async (detail) => detail(await shakeHands(lent, peer, socket)));
}

async function resolve({ host }: Address): Promise<string> {
  if (isIP(host) !== 0) return `${host} is an address`;
  try {
    const found = await lookup(host, { all: true });
    return `${host} is ${found.map(({ address }) => address).join(', ')}`;
  } catch (error) {
    throw failure(error, host);
  }
}

function failure(error: unknown, place: string): StepFailure {
  if (error instanceof StepFailure) return error;
  if (isEngineError(error)) return new StepFailure(error.message, undefined, { cause: error });
  const { cause, remedy } = connectionCause(error, place);
  return new StepFailure(cause, remedy);
}

async function connected<S extends Socket>(socket: S, address: Address): Promise<S> {
  const limit = AbortSignal.timeout(CONNECT_TIMEOUT);
  try {
    await once(socket, 'encrypted' in socket ? 'secureConnect' : 'connect', { signal: limit });
    return socket;
  } catch (error) {
    socket.on('error', () => undefined).destroy();
    throw failure(limit.aborted ? coded('ETIMEDOUT', undefined) : error, placeOf(address));
  }
}

/** The first bytes a peer sends by itself, or none. */
async function firstBytes(socket: Socket): Promise<Buffer> {
  const limit = AbortSignal.timeout(LISTEN_FOR);
  try {
    const [bytes] = (await once(socket, 'data', { signal: limit })) as [Buffer];
    return bytes;
  } catch {
    return Buffer.alloc(0);
  } finally {
    socket.on('error', () => undefined);
  }
}

async function expectSilence(socket: Socket, address: Address): Promise<void> {
  const heard = await firstBytes(socket);
  if (heard.length === 0 && (socket.readableEnded || socket.destroyed)) {
    throw new StepFailure(
      `${placeOf(address)} accepted the connection and closed it at once`,
      'The peer may allow only known addresses or one connection at a time: look into its log',
    );
  }
  const spoken = heard.length > 0 ? spokenProtocol(heard) : await answerToHello(address);
  if (spoken === undefined) return;
  throw new StepFailure(`${placeOf(address)} ${spoken.seen}`, spoken.remedy);
}

/** Whether a port that keeps silent speaks TLS at once: it answers a hello. Never throws; waits for `patience` milliseconds at most. */
export async function answersTls(address: Address, patience = 3_000): Promise<boolean> {
  return (await answerToHello(address, patience)) !== undefined;
}

/** Whether the port answers a TLS hello with TLS; a connection of its own, since the answer may be to close. */
async function answerToHello(
  address: Address,
  patience = LISTEN_FOR,
): Promise<SpokenProtocol | undefined> {
  const socket = connectSecure({ ...address, rejectUnauthorized: false });
  const limit = AbortSignal.timeout(patience);
  try {
    await once(socket, 'secureConnect', { signal: limit });
    return spokenProtocol(Buffer.of(0x16, 0x03, 0x03));
  } catch (error) {
    const { code } = error as { code?: unknown };
    // An alert is an answer in TLS as well: the peer asks for a certificate, or for another version.
    const alert = typeof code === 'string' && /ALERT/.test(code);
    return alert ? spokenProtocol(Buffer.of(0x15, 0x03, 0x03)) : undefined;
  } finally {
    socket.on('error', () => undefined).destroy();
  }
}

/** Shakes hands without letting node reject, so that each thing that is wrong can be named. */
async function shakeHands(
  lent: Pick<TlsLent, 'credential'>,
  { address, tls }: Pick<Probe, 'address' | 'tls'>,
  through?: Socket,
): Promise<string> {
  const options = await clientTls(lent, tls, address.host).catch((error: unknown) => {
    throw failure(error, placeOf(address));
  });
  const { checkServerIdentity: _, ...rest } = options;
  const dialled = connectSecure({
    ...(through === undefined ? address : { socket: through }),
    ...rest,
    rejectUnauthorized: false,
  });
  const socket = await connected(dialled, address).catch((error: unknown) => {
    if (through !== undefined) throw error;
    return explainPlain(error, address);
  });
  try {
    // Asked for once: node 24 gives undefined to whoever asks a second time.
    const certificate = socket.getPeerX509Certificate();
    const seen = describeHandshake(socket, certificate);
    const problem =
      handshakeProblem(socket, certificate, { address, tls }) ?? (await lateAlert(socket));
    if (problem !== undefined) throw failure(problem, placeOf(address));
    return seen;
  } finally {
    socket.on('error', () => undefined).destroy();
  }
}

/** A port that is not TLS may say what it is. */
async function explainPlain(error: unknown, address: Address): Promise<never> {
  if (
    !(error instanceof StepFailure) ||
    !/does not speak TLS|handshake|closed/.test(error.message)
  ) {
    throw error;
  }
  const socket = await connected(connectPlain(address), address);
  const spoken = spokenProtocol(await firstBytes(socket));
  socket.destroy();
  if (spoken === undefined) throw error;
  throw new StepFailure(`${error.message}: it ${spoken.seen}`, spoken.remedy);
}

function handshakeProblem(
  socket: TLSSocket,
  certificate: X509Certificate | undefined,
  { address, tls }: Probe,
): Error | undefined {
  if (certificate === undefined) return coded('ERR_SSL_NO_CERTIFICATE', undefined);
  const reason: unknown = socket.authorizationError;
  if (!socket.authorized) return coded(reasonCode(reason), certificate);
  const name = tls?.serverName ?? address.host;
  return identityProblem(tls, name, certificate.toLegacyObject());
}

/** Node's types say Error; the value is the code's text, or an error that has one. */
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

function describeHandshake(socket: TLSSocket, certificate: X509Certificate | undefined): string {
  if (certificate === undefined) return '';
  const facts = certificateFacts(certificate);
  const days = daysUntil(facts.notAfter);
  const soon = days < 30 ? ` (only ${days} days: renew by ${dateText(facts.notAfter)})` : '';
  const names = facts.names.length === 0 ? '' : `, for ${facts.names.join(', ')}`;
  return `${socket.getProtocol() ?? ''} ${socket.getCipher().name}; ${describeCertificate(facts)}${soon}${names}`;
}
