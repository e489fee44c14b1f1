import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { type ClientChannel, Client as SshClient } from 'ssh2';
import { NotConnectedError, type setting, timerTime } from 'waybill/adapter';
import { dial, placeOf } from 'waybill/peer/basics';
import { tellSuccessors } from './announced-keys.ts';
import { type Attempt, failureOf } from './connect-failure.ts';
import { Listening } from './listening.ts';
import { type ConnectLent, prepare, type Stages, sshOptions } from './prepare.ts';
import type { JumpSettings } from './ssh-settings.ts';

/** A stream to the server's port: straight, or through the jump host. Throws as connecting does. */
export async function reachServer(
  lent: ConnectLent,
  signal: AbortSignal,
  stages: Stages,
): Promise<Duplex> {
  const { connect: address, connectTimeout, jump } = lent.settings;
  return jump === undefined
    ? await dial(lent, { address, timeout: connectTimeout }, signal)
    : await openJump({ lent, jump, signal, stages: stages.jump ?? {} });
}

/** A client that is signed in, and the facts known of it. */
export interface SignedIn {
  readonly client: SshClient;
  readonly socket: Duplex;
  readonly attempt: Attempt;
  /** As the server calls itself: `OpenSSH_10.0p2`. */
  readonly software: string;
}

/**
 * Connects, verifies the server by its host key and signs in. Throws NotConnectedError if another try may help;
 * DisableError if it would do harm (a changed host key, a refused sign-in: accounts are locked for less) or cannot
 * help (an unreadable key).
 */
export async function connectSsh(
  lent: ConnectLent,
  signal: AbortSignal,
  stages: Stages = {},
): Promise<SignedIn> {
  const { connect, jump } = lent.settings;
  const attempt = await prepare(lent, lent.settings, placeOf(connect));
  const socket = await reachServer(lent, signal, stages);
  const address = jump === undefined ? connect : undefined;
  return await signIn(socket, { lent, attempt, address, stages, signal });
}

interface SigningIn {
  readonly lent: ConnectLent;
  readonly attempt: Attempt;
  /** Where the port may be asked whether it speaks TLS; undefined behind a jump host. */
  readonly address: setting.Address | undefined;
  readonly stages: Pick<Stages, 'banner' | 'hostKey'>;
  readonly signal: AbortSignal;
}

async function signIn(
  socket: Duplex,
  { lent, attempt, address, stages, signal }: SigningIn,
): Promise<SignedIn> {
  const { settings } = lent;
  const listening = new Listening(socket, address, settings.connectTimeout);
  const client = new SshClient();
  const limit = limited(signal, settings.connectTimeout);
  const broken = new AbortController();
  // The library reports the same problem more than once; the first is the cause.
  client.on('error', (error: Error) => broken.abort(error));
  client.on('close', () => broken.abort(new Error('Connection lost')));
  client.on('change password', () => {
    attempt.passwordExpired = true;
    broken.abort(new Error('Password expired'));
  });
  client.on('hostkeys', (keys) => tellSuccessors(keys, attempt, lent));
  listening.whenForeign((reason) => broken.abort(reason));
  listening.whenSsh((software) => stages.banner?.(software));
  try {
    client.connect(sshOptions(socket, { attempt, settings, stages }));
    await once(client, 'ready', { signal: AbortSignal.any([limit, broken.signal]) });
    // A server that was accepted without a host key: the library has a way around the verifier.
    if (attempt.shown?.trusted !== true) throw new Error('Host key not verified');
    return { client, socket, attempt, software: listening.software };
  } catch (error) {
    // decided before the socket is closed here: for the library that is a connection lost
    const late = limit.aborted ? new Error('Timed out') : error;
    const reason: unknown = broken.signal.aborted ? broken.signal.reason : late;
    socket.destroy();
    signal.throwIfAborted();
    // A server that waits for TLS may close at our greeting, before we check for TLS.
    await listening.askIfUnheard();
    throw failureOf(reason, attempt, listening.heard);
  } finally {
    listening.stop();
  }
}

const limited = (signal: AbortSignal, time: number): AbortSignal =>
  AbortSignal.any([signal, AbortSignal.timeout(timerTime(time))]);

/**
 * Signs in at the jump host and has it connect to the server: a stream to the server's port. Both
 * end together. Throws like connecting to a server, but names the jump host.
 */
async function openJump({
  lent,
  jump,
  signal,
  stages,
}: {
  readonly lent: ConnectLent;
  readonly jump: JumpSettings;
  readonly signal: AbortSignal;
  readonly stages: NonNullable<Stages['jump']>;
}): Promise<Duplex> {
  const { connect: target, connectTimeout } = lent.settings;
  const place = `${placeOf(jump.connect)} (the jump host)`;
  const attempt = await prepare(lent, jump, place);
  const dialled = await dial(lent, { address: jump.connect, timeout: connectTimeout }, signal);
  const { client, socket } = await signIn(dialled, {
    lent,
    attempt,
    address: jump.connect,
    stages,
    signal,
  });
  stages.signedIn?.(attempt);
  try {
    const channel = await forwarded(client, target, limited(signal, connectTimeout));
    stages.through?.();
    // Either end closes the other; data on a dead channel would wait for ever.
    client.on('close', () => channel.destroy());
    channel.on('close', () => {
      client.end();
      socket.destroy();
    });
    return channel;
  } catch (error) {
    socket.destroy();
    signal.throwIfAborted();
    throw notForwarded(error, place, placeOf(target));
  }
}
function forwarded(
  client: SshClient,
  { host, port }: setting.Address,
  signal: AbortSignal,
): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    client.forwardOut('127.0.0.1', 0, host, port, (error, channel) => {
      signal.removeEventListener('abort', abort);
      if (error) reject(error);
      else resolve(channel);
    });
  });
}

/** By the reason codes of RFC 4254, 5.1. */
function notForwarded(error: unknown, place: string, target: string): NotConnectedError {
  const { reason, message = '' } = error as { reason?: unknown; message?: string };
  if (reason === 1 || /prohibited/i.test(message)) {
    return new NotConnectedError(
      `${place} does not allow this user to be forwarded to ${target}. Ask its owner to allow it (AllowTcpForwarding and PermitOpen in OpenSSH).`,
    );
  }
  return new NotConnectedError(
    `${place} cannot reach ${target}. Check the address as seen from there, whether the server runs, and the firewall between the two.`,
  );
}
