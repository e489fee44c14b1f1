import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectSecure } from 'node:tls';
import type { Address } from '../adapter/setting.ts';
import { type Step, StepFailure } from '../adapter/test-step.ts';
import { placeOf } from './dial.ts';
import { type SpokenProtocol, spokenProtocol } from './spoken-protocol.ts';
import { coded } from './tls/coded.ts';
import { connectionFailure, tryHandshake } from './tls/handshake.ts';
import type { TlsClientLent } from './tls/tls-files.ts';
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
  /** The mail protocol that is spoken inside TLS. A port where it begins in clear wants `security: starttls`. */
  readonly inside?: 'SMTP' | 'IMAP';
}

/**
 * The first steps of every connection test: `name`, `TCP`, and `TLS` if it is configured. Nothing of
 * the adapter's own protocol is sent and the connection is closed again. A plain port that turns out to speak
 * TLS, SSH, HTTP, SMTP or FTP is named, and so is a TLS port that speaks plain text.
 */
export async function probe(
  lent: TlsClientLent,
  step: Step,
  { address, tls, alwaysTls = false, silent = false, inside }: Probe,
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
  await step('TLS', (detail) =>
    tryHandshake(lent, { address, place: placeOf(address), tls }, detail).catch((error: unknown) =>
      explainPlain(error, address, inside),
    ),
  );
}

async function resolve({ host }: Address): Promise<string> {
  if (isIP(host) !== 0) return `${host} is an address`;
  try {
    const found = await lookup(host, { all: true });
    return `${host} is ${found.map(({ address }) => address).join(', ')}`;
  } catch (error) {
    throw connectionFailure(error, host);
  }
}

async function connected(socket: Socket, address: Address): Promise<Socket> {
  const limit = AbortSignal.timeout(CONNECT_TIMEOUT);
  try {
    await once(socket, 'connect', { signal: limit });
    return socket;
  } catch (error) {
    socket.on('error', () => undefined).destroy();
    throw connectionFailure(
      limit.aborted ? coded('ETIMEDOUT', undefined) : error,
      placeOf(address),
    );
  }
}

/** The first bytes a peer sends by itself, or none. */
async function firstBytes(socket: Socket): Promise<Buffer> {
  const limit = AbortSignal.timeout(LISTEN_FOR);
  try {
    const [bytes] = (await once(socket, 'data', { signal: limit })) as [Buffer];
    return bytes;
  } catch {
    // it says nothing by itself, or has ended the connection
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

/** A port that is not TLS may say what it is. */
async function explainPlain(
  error: unknown,
  address: Address,
  inside: Probe['inside'],
): Promise<never> {
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
  if (inside !== undefined && spoken.name.includes(inside)) {
    throw new StepFailure(
      `${placeOf(address)} begins in clear: this is the port for STARTTLS`,
      'Set security: starttls',
    );
  }
  throw new StepFailure(`${error.message}: it ${spoken.seen}`, spoken.remedy);
}
