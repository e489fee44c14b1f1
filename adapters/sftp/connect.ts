import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import type { SFTPWrapper } from 'ssh2';
import SftpClient from 'ssh2-sftp-client';
import {
  DisableError,
  dial,
  type Lent,
  placeOf,
  type setting,
  timerTime,
  toldElsewhere,
} from 'waybill/adapter';
import { algorithmsOf } from './algorithms.ts';
import { type Attempt, failureOf } from './connect-failure.ts';
import { preferredAlgorithms, showHostKey } from './host-key.ts';
import { type KnownHost, knownHost } from './known-hosts.ts';
import { Listening } from './listening.ts';
import { SftpSession } from './sftp-session.ts';
import type { SftpConnectionSettings } from './sftp-settings.ts';
import { signIn } from './sign-in.ts';

/** What connecting needs of what the engine lends. */
export interface ConnectLent extends Pick<Lent<setting.Settings>, 'credential'> {
  readonly settings: SftpConnectionSettings;
}

/** Told of the stages of a connection: the connection test reports them one by one. */
export interface Stages {
  banner?(software: string): void;
  hostKey?(attempt: Attempt): void;
}

/**
 * Connects, proves the server by its host key, signs in and starts SFTP. Throws NotConnectedError
 * where another try may help; DisableError where it would do harm (a changed host key, a refused
 * sign-in: accounts are locked for less) or cannot help (an unreadable key).
 */
export async function connectSftp(
  lent: ConnectLent,
  signal: AbortSignal,
  stages: Stages = {},
): Promise<SftpSession> {
  const { settings } = lent;
  const attempt = await prepare(lent);
  const socket = await dial(
    lent,
    { address: settings.connect, timeout: settings.connectTimeout },
    signal,
  );
  const listening = new Listening(socket, settings.connect, settings.connectTimeout);
  try {
    return await handshake(socket, { attempt, settings, stages, listening, signal });
  } catch (error) {
    socket.destroy();
    signal.throwIfAborted();
    // A server that waits for TLS may close at our greeting, before it was asked.
    await listening.askIfUnheard();
    throw failureOf(error, attempt, listening.heard);
  } finally {
    listening.stop();
  }
}

async function prepare({ settings, credential }: ConnectLent): Promise<Attempt> {
  const file = settings.knownHosts;
  const known: KnownHost =
    file === undefined
      ? { trusted: [], revoked: [], byCertificate: false }
      : knownHost(await readKnownHosts(file), settings.connect);
  return {
    place: placeOf(settings.connect),
    timeout: settings.connectTimeout,
    trusted: [...settings.hostKey, ...known.trusted],
    revoked: known.revoked,
    byCertificate: known.byCertificate,
    signIn: signIn(await credential(settings.credential)),
    shown: undefined,
    passwordExpired: false,
  };
}

async function readKnownHosts(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new DisableError(
      `The file named by knownHosts cannot be read (${(error as { code?: string }).code}). Correct the path, or give the host key in hostKey.`,
    );
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
  socket: Socket,
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
    const connecting = client.connect({
      sock: socket,
      username: attempt.signIn.user,
      authHandler: attempt.signIn.handler,
      // Must not be async: the library would take the promise for a yes.
      hostVerifier: (key: Buffer): boolean => {
        attempt.shown = showHostKey(key, attempt.trusted, attempt.revoked);
        stages.hostKey?.(attempt);
        return attempt.shown.trusted;
      },
      readyTimeout: settings.connectTimeout,
      keepaliveInterval: Number.isFinite(settings.keepAlive) ? settings.keepAlive : 0,
      keepaliveCountMax: 3,
      algorithms: algorithmsOf(settings.algorithms, preferredAlgorithms(attempt.trusted)),
    });
    connecting.catch(toldElsewhere);
    const sftp: SFTPWrapper = await Promise.race([connecting, broken.promise]);
    return sessionOf({ client, sftp, socket }, attempt, { settings, listening });
  } finally {
    clearTimeout(late);
    signal.removeEventListener('abort', abort);
  }
}

function sessionOf(
  parts: { readonly client: SftpClient; readonly sftp: SFTPWrapper; readonly socket: Socket },
  attempt: Attempt,
  { settings, listening }: Pick<Handshake, 'settings' | 'listening'>,
): SftpSession {
  const { shown } = attempt;
  // A server that was let in without showing a key: the library has a way round the verifier.
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
