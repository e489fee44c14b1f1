import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { connect, connect as connectPlain, createServer, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { describeCertificate } from '../adapter/certificate-facts.ts';
import type { Address } from '../adapter/setting.ts';
import { type Step, StepFailure } from '../adapter/test-step.ts';
import { NotConnectedError } from '../error/adapter-error.ts';
import { EngineError } from '../error/engine-error.ts';
import { timerTime } from '../time/timer.ts';
import { connectionCause } from './connection-cause.ts';
import { type Dialling, dial, notConnected, placeOf } from './dial.ts';
import { Heard } from './heard.ts';
import { type SpokenProtocol, spokenProtocol } from './spoken-protocol.ts';
import type { Talk } from './talk.ts';
import { coded } from './tls/coded.ts';
import { connectionFailure, tryHandshake } from './tls/handshake.ts';
import { HELLO } from './tls/hello.ts';
import { serverTls } from './tls/server-tls.ts';
import type { TlsClientLent, TlsLent } from './tls/tls-files.ts';
import type { TlsClientSettings, TlsServerSettings } from './tls/tls-settings.ts';

const CONNECT_TIMEOUT = 5_000;
/** How long to wait for a server that speaks first (SSH, SMTP, FTP …), and for a late TLS alert. */
const LISTEN_FOR = 400;

export interface Probe {
  readonly address: Address;
  /** Undefined if the adapter connects in plain text. */
  readonly tls?: TlsClientSettings | undefined;
  /** TLS with the public authorities if the adapter always encrypts and has no `tls` block (https). */
  readonly alwaysTls?: boolean;
  /**
   * Whether the peer waits for us to speak first, as with MLLP and HTTP. Then we also listen on the
   * plain connection: a banner, or an answer to a TLS hello, means that another service is there.
   */
  readonly silent?: boolean;
  /** False where the peer takes any bytes for a message: then a plain port is listened to and not greeted with a TLS hello. */
  readonly hello?: boolean;
  /** The mail protocol spoken inside TLS. A port where it begins in plain text needs `security: starttls`. */
  readonly inside?: 'SMTP' | 'IMAP' | 'POP3';
}

/**
 * The first steps of every connection test: `name`, `TCP`, and `TLS` if it is configured. Nothing
 * of the adapter's own protocol is sent, and the connection is closed again. A plain port that
 * turns out to speak TLS, SSH, HTTP, SMTP or FTP is reported, and so is a TLS port that speaks
 * plain text.
 */
export async function probe(
  lent: TlsClientLent,
  step: Step,
  { address, tls, alwaysTls = false, silent = false, hello = true, inside }: Probe,
): Promise<void> {
  await step('name', async (detail) => detail(await addressesOf(address)));
  await step('TCP', async (detail) => {
    const begin = performance.now();
    const socket = await connected(connectPlain(address), address);
    const took = Math.round(performance.now() - begin);
    detail(`connected to ${socket.remoteAddress ?? ''}:${address.port} in ${took} ms`);
    try {
      if (silent && tls === undefined && !alwaysTls) await expectSilence(socket, address, hello);
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

async function addressesOf({ host }: Address): Promise<string> {
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

/** The first bytes a peer sends on its own, or none. */
async function greetingOf(socket: Socket): Promise<Buffer> {
  const limit = AbortSignal.timeout(LISTEN_FOR);
  try {
    const [bytes] = (await once(socket, 'data', { signal: limit })) as [Buffer];
    return bytes;
  } catch {
    // it says nothing on its own, or has ended the connection
    return Buffer.alloc(0);
  } finally {
    socket.on('error', () => undefined);
  }
}

async function expectSilence(socket: Socket, address: Address, hello: boolean): Promise<void> {
  const heard = await greetingOf(socket);
  if (heard.length === 0 && (socket.readableEnded || socket.destroyed)) {
    throw new StepFailure(
      `${placeOf(address)} accepted the connection and closed it at once`,
      'The peer may allow only known addresses or one connection at a time: look at its log',
    );
  }
  const asked = heard.length === 0 && hello;
  const spoken = asked ? await answerToHello(address) : spokenProtocol(heard);
  if (spoken === undefined) return;
  throw new StepFailure(`${placeOf(address)} ${spoken.seen}`, spoken.remedy);
}

/**
 * Whether a silent port speaks TLS from the start: it answers a hello. Never throws; waits for at
 * most `patience` milliseconds.
 */
export async function answersTls(address: Address, patience = 3_000): Promise<boolean> {
  return (await answerToHello(address, patience)) !== undefined;
}

/** Whether the port answers a TLS hello with TLS; uses a separate connection, since the answer may be to close it. */
async function answerToHello(
  address: Address,
  patience = LISTEN_FOR,
): Promise<SpokenProtocol | undefined> {
  const socket = connectPlain(address);
  const limit = AbortSignal.timeout(timerTime(patience));
  try {
    await once(socket, 'connect', { signal: limit });
    socket.write(HELLO);
    const [answer] = (await once(socket, 'data', { signal: limit })) as [Buffer];
    const spoken = spokenProtocol(answer);
    // an alert is an answer too: the peer asks for another version, or refuses our ciphers
    return spoken?.name === 'TLS' ? spoken : undefined;
  } catch {
    // it is silent, or ends the connection
    return undefined;
  } finally {
    socket.on('error', () => undefined).destroy();
  }
}

/** A port without TLS may say what it is. */
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
  const spoken = spokenProtocol(await greetingOf(socket));
  socket.destroy();
  if (spoken === undefined) throw error;
  if (inside !== undefined && spoken.name.includes(inside)) {
    throw new StepFailure(
      `${placeOf(address)} begins in plain text: this is the port for STARTTLS`,
      'Set security: starttls',
    );
  }
  throw new StepFailure(`${error.message}: it ${spoken.seen}`, spoken.remedy);
}

/** How long the peer may take to agree to TLS. */
const AGREE_WITHIN = 5_000;
/** A server that is silent for this long may be waiting for TLS: we find out whether it is. */
const GREET_WITHIN = 800;
interface TlsTrial {
  readonly address: Address;
  readonly tls: TlsClientSettings | undefined;
  /**
   * Speaks a protocol that begins in plain text up to the point where the peer agrees to TLS; false
   * if it does not. If left out, TLS is used from the start.
   */
  readonly agree?: ((talk: Talk) => Promise<boolean>) | undefined;
  /** What carries the handshake once the peer agreed, if it goes on inside the protocol. */
  readonly inside?: ((socket: Socket) => Duplex) | undefined;
  /** The peer waits for us to speak first: its silence does not mean that it waits for TLS. */
  readonly silent?: boolean;
  /** The name of the protocol inside, for peers that want to hear it in the handshake. */
  readonly alpn?: string | undefined;
}

/**
 * Reports protocol, cipher, names, expiry and chain of a peer, over a separate connection: for a
 * connection test. Throws a StepFailure for what is wrong with the handshake. False if the peer did
 * not get as far as TLS: the adapter knows best what that means.
 */
export async function tryTls(
  lent: TlsClientLent,
  { address, tls, agree, inside, silent = false, alpn }: TlsTrial,
  detail: (text: string) => void,
): Promise<boolean> {
  const place = placeOf(address);
  if (agree === undefined) {
    await tryHandshake(lent, { address, place, tls, alpn }, detail);
    return true;
  }
  // Those who wait for it get the error as well.
  const socket = connect(address).on('error', () => undefined);
  try {
    // It ended, or did not speak the protocol: the adapter finds out why by connecting as it does
    // for messages.
    const agreed = await agreedTo(socket, { agree, address, silent }).catch((error: unknown) => {
      if (error instanceof StepFailure) throw error;
      return false;
    });
    if (!agreed) return false;
    const over = inside?.(socket) ?? socket;
    await tryHandshake(lent, { address, place, tls, over }, detail);
    return true;
  } finally {
    socket.destroy();
  }
}

async function agreedTo(
  socket: Socket,
  {
    agree,
    address,
    silent,
  }: Pick<TlsTrial, 'address'> & {
    readonly agree: NonNullable<TlsTrial['agree']>;
    readonly silent: boolean;
  },
): Promise<boolean> {
  const signal = AbortSignal.timeout(AGREE_WITHIN);
  await once(socket, 'connect', { signal });
  const heard = new Heard(socket);
  const limit = setTimeout(() => socket.destroy(), AGREE_WITHIN);
  try {
    if (
      !silent &&
      !(await heard.anything(GREET_WITHIN)) &&
      (await answersTls(address, GREET_WITHIN))
    ) {
      throw new StepFailure(`${placeOf(address)} speaks TLS from the start`, 'Set security: tls');
    }
    // What is sent along with the agreement would be taken for encrypted: nobody honest does that.
    return (await agree(heard)) && heard.isEmpty;
  } finally {
    clearTimeout(limit);
    heard.stop();
  }
}

/**
 * The first steps of the test of a listener, without a message: `TCP`, whether the port is free or
 * already in use (by this service itself, when the production runs), and `TLS`, whether certificate
 * and key are in order.
 */
export async function tryListening(
  lent: TlsLent,
  step: Step,
  { listen, tls }: { readonly listen: Address; readonly tls: TlsServerSettings | undefined },
): Promise<void> {
  await step('TCP', async (detail) => detail(await portState(listen)));
  if (tls === undefined) return;
  await step('TLS', async (detail) => {
    try {
      const ready = await serverTls(lent, tls);
      ready.close();
      detail(describeCertificate(ready.certificate));
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      throw new StepFailure(error.message, 'Correct the tls block or the files it names');
    }
  });
}

async function portState(address: Address): Promise<string> {
  const place = placeOf(address);
  const server = createServer();
  try {
    await once(server.listen(address.port, address.host), 'listening');
    return `${place} is free`;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE' && (await answers(address))) {
      return `${place} is in use: by this service, if the production runs`;
    }
    const { cause, remedy } = connectionCause(error, place);
    throw new StepFailure(cause, remedy);
  } finally {
    server.close();
  }
}

async function answers({ host, port }: Address): Promise<boolean> {
  const local = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  const socket = connect({ host: local, port });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(1_000) });
    return true;
  } catch {
    // refused, or no answer in time
    return false;
  } finally {
    socket.on('error', () => undefined).destroy();
  }
}

/** How long a port may be silent. */
const ANSWER_WITHIN = 1_000;

/**
 * After a failure that says nothing: what a port says first, to a line that any server may hear. Another known protocol,
 * or that it cannot be reached, comes as the error to throw; otherwise the bytes, which may be none.
 */
export async function firstBytes(
  lent: TlsClientLent,
  to: Dialling,
  signal: AbortSignal,
): Promise<Buffer | NotConnectedError> {
  const place = placeOf(to.address);
  try {
    const socket = await dial(lent, to, signal);
    const { promise, resolve } = Promise.withResolvers<Buffer>();
    const nothing = (): void => resolve(Buffer.alloc(0));
    const timer = setTimeout(nothing, ANSWER_WITHIN);
    socket.once('data', resolve).on('error', nothing).once('close', nothing);
    socket.write('\r\n\r\n');
    const first = await promise;
    clearTimeout(timer);
    socket.destroy();
    const spoken = spokenProtocol(first);
    return spoken === undefined
      ? first
      : new NotConnectedError(`Not connected: ${place} ${spoken.seen}. ${spoken.remedy}.`);
  } catch (error) {
    return error instanceof NotConnectedError ? error : notConnected(error, place);
  }
}
