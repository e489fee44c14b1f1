import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { type ClientChannel, type SFTPWrapper, Client as SshClient } from 'ssh2';
import SftpClient from 'ssh2-sftp-client';
import {
  DisableError,
  NotConnectedError,
  type setting,
  timerTime,
  toldElsewhere,
} from 'waybill/adapter';
import { dial, placeOf } from 'waybill/peer';
import { type Attempt, failureOf } from './connect-failure.ts';
import { Listening } from './listening.ts';
import { type ConnectLent, prepare, type Stages, sshOptions } from './prepare.ts';
import { SftpSession } from './sftp-session.ts';
import type { SftpConnectionSettings } from './sftp-settings.ts';

/**
 * Connects, verifies the server by its host key, signs in and starts SFTP. Throws NotConnectedError
 * if another try may help; DisableError if it would do harm (a changed host key, a refused sign-in:
 * accounts are locked for less) or cannot help (an unreadable key).
 */
export async function connectSftp(
  lent: ConnectLent,
  signal: AbortSignal,
  stages: Stages = {},
): Promise<SftpSession> {
  const { settings } = lent;
  const { connect: address, connectTimeout, jump } = settings;
  const attempt = await prepare(lent, settings, placeOf(address));
  const socket: Duplex =
    jump === undefined
      ? await dial(lent, { address, timeout: connectTimeout }, signal)
      : await openJump(lent, signal, stages.jump ?? {});
  const listening = new Listening(socket, jump === undefined ? address : undefined, connectTimeout);
  try {
    return await handshake(socket, { attempt, settings, stages, listening, signal });
  } catch (error) {
    socket.destroy();
    signal.throwIfAborted();
    // A server that waits for TLS may close at our greeting, before we check for TLS.
    await listening.askIfUnheard();
    throw failureOf(error, attempt, listening.heard);
  } finally {
    listening.stop();
  }
}

interface Handshake {
  readonly attempt: Attempt;
  readonly settings: SftpConnectionSettings;
  readonly stages: Stages;
  readonly listening: Listening;
  readonly signal: AbortSignal;
}

async function handshake(
  socket: Duplex,
  { attempt, settings, stages, listening, signal }: Handshake,
): Promise<SftpSession> {
  // The default callbacks of the library write to the console.
  const client = new SftpClient('sftp', { error() {}, end() {}, close() {} });
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(toldElsewhere);
  client.on('error', (error: Error) => broken.reject(error));
  client.on('close', () => broken.reject(new Error('Connection lost')));
  client.on('change password', () => {
    attempt.passwordExpired = true;
    broken.reject(new Error('Password expired'));
  });
  listening.whenForeign(broken.reject);
  listening.whenSsh((software) => stages.banner?.(software));
  const abort = (): void => broken.reject(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  // The library's own limit ends with the sign-in; starting SFTP could then take for ever.
  const late = setTimeout(
    () => broken.reject(new Error('Timed out while waiting for handshake')),
    timerTime(settings.connectTimeout),
  );
  try {
    const connecting = client.connect(sshOptions(socket, { attempt, settings, stages }));
    connecting.catch(toldElsewhere);
    const sftp: SFTPWrapper = await Promise.race([connecting, broken.promise]);
    return sessionOf({ client, sftp, socket }, attempt, { settings, listening });
  } finally {
    clearTimeout(late);
    signal.removeEventListener('abort', abort);
  }
}

function sessionOf(
  parts: { readonly client: SftpClient; readonly sftp: SFTPWrapper; readonly socket: Duplex },
  attempt: Attempt,
  { settings, listening }: Pick<Handshake, 'settings' | 'listening'>,
): SftpSession {
  const { shown } = attempt;
  // A server that was accepted without a host key: the library has a way around the verifier.
  if (shown?.trusted !== true) throw new Error('Host key not verified');
  return new SftpSession({
    ...parts,
    place: attempt.place,
    software: listening.software,
    hostKey: shown,
    offered: attempt.signIn.offered,
    method: attempt.signIn.tried.at(-1) ?? 'none',
    timeout: settings.timeout,
  });
}

/**
 * Signs in at the jump host and has it connect to the server: a stream to the server's port. Both
 * end together. Throws like connecting to a server, but names the jump host.
 */
async function openJump(
  lent: ConnectLent,
  signal: AbortSignal,
  stages: NonNullable<Stages['jump']>,
): Promise<Duplex> {
  const { settings } = lent;
  const { jump, connect: target, connectTimeout } = settings;
  if (jump === undefined) throw new DisableError('jump is not set.');
  const place = `${placeOf(jump.connect)} (the jump host)`;
  const attempt = await prepare(lent, jump, place);
  const socket = await dial(lent, { address: jump.connect, timeout: connectTimeout }, signal);
  const listening = new Listening(socket, jump.connect, connectTimeout);
  const client = new SshClient();
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timerTime(connectTimeout))]);
  const broken = new AbortController();
  // The library reports the same problem more than once; the first is the cause.
  client.on('error', (error: Error) => broken.abort(error));
  client.on('close', () => broken.abort(new Error('Connection lost')));
  client.on('change password', () => {
    attempt.passwordExpired = true;
    broken.abort(new Error('Password expired'));
  });
  listening.whenForeign((reason) => broken.abort(reason));
  listening.whenSsh((software) => stages.banner?.(software));
  const either = AbortSignal.any([limit, broken.signal]);
  try {
    client.connect(sshOptions(socket, { attempt, settings, stages }));
    await once(client, 'ready', { signal: either });
    // A jump host that was accepted without a host key: the library has a way around the verifier.
    if (attempt.shown?.trusted !== true) throw new Error('Host key not verified');
    stages.signedIn?.(attempt);
  } catch (error) {
    socket.destroy();
    signal.throwIfAborted();
    await listening.askIfUnheard();
    const late = limit.aborted && !broken.signal.aborted ? new Error('Timed out') : error;
    const reason: unknown = broken.signal.aborted ? broken.signal.reason : late;
    throw failureOf(reason, attempt, listening.heard);
  } finally {
    listening.stop();
  }
  try {
    const channel = await forwarded(client, target, either);
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
