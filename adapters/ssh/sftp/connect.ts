import type { Duplex } from 'node:stream';
import type { Client, ClientSFTPCallback, ParsedKey, SFTPWrapper } from 'ssh2';
import SftpClient from 'ssh2-sftp-client';
import { DisableError, timerTime, toldElsewhere } from 'waybill/adapter';
import { placeOf } from 'waybill/peer/basics';
import { tellSuccessors } from '../announced-keys.ts';
import { reachServer } from '../connect.ts';
import { type Attempt, failureOf } from '../connect-failure.ts';
import { Listening } from '../listening.ts';
import { type ConnectLent, prepare, type Stages, sshOptions } from '../prepare.ts';
import { type BySudo, sftpBySudo } from './by-sudo.ts';
import { SftpSession } from './sftp-session.ts';
import type { SftpConnectionSettings } from './sftp-settings.ts';

/** What connecting needs from what the engine lends. */
export type SftpLent = ConnectLent<SftpConnectionSettings>;

/**
 * Connects, verifies the server by its host key, signs in and starts SFTP. Throws NotConnectedError
 * if another try may help; DisableError if it would do harm (a changed host key, a refused sign-in:
 * accounts are locked for less) or cannot help (an unreadable key).
 */
export async function connectSftp(
  lent: SftpLent,
  signal: AbortSignal,
  stages: Stages = {},
): Promise<SftpSession> {
  const { settings } = lent;
  const { connect: address, connectTimeout, jump } = settings;
  const attempt = await prepare(lent, settings, placeOf(address));
  const bySudo = await sudoOf(lent, attempt);
  const socket = await reachServer(lent, signal, stages);
  const listening = new Listening(socket, jump === undefined ? address : undefined, connectTimeout);
  try {
    return await handshake(socket, { lent, attempt, settings, stages, listening, signal, bySudo });
  } catch (error) {
    socket.destroy();
    signal.throwIfAborted();
    if (error instanceof DisableError) throw error;
    // A server that waits for TLS may close at our greeting, before we check for TLS.
    await listening.askIfUnheard();
    throw failureOf(error, attempt, listening.heard);
  } finally {
    listening.stop();
  }
}

async function sudoOf(
  { settings: { sudo, connectTimeout }, credential }: SftpLent,
  { place, signIn }: Attempt,
): Promise<BySudo | undefined> {
  if (sudo === undefined) return undefined;
  const given = sudo.credential === undefined ? undefined : await credential(sudo.credential);
  const password = given?.kind === 'basic' ? given.password : undefined;
  // told before the time for connecting is over
  return { sudo, password, place, account: signIn.user, patience: connectTimeout / 2 };
}

interface Handshake {
  readonly lent: SftpLent;
  readonly bySudo: BySudo | undefined;
  readonly attempt: Attempt;
  readonly settings: SftpConnectionSettings;
  readonly stages: Stages;
  readonly listening: Listening;
  readonly signal: AbortSignal;
}

async function handshake(
  socket: Duplex,
  { lent, attempt, settings, stages, listening, signal, bySudo }: Handshake,
): Promise<SftpSession> {
  // The default callbacks of the library write to the console.
  const client = new SftpClient('sftp', { error() {}, end() {}, close() {} });
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(toldElsewhere);
  if (bySudo !== undefined) startBy(client, bySudo, broken.reject);
  client.on('error', (error: Error) => broken.reject(error));
  client.on('close', () => broken.reject(new Error('Connection lost')));
  client.on('change password', () => {
    attempt.passwordExpired = true;
    broken.reject(new Error('Password expired'));
  });
  client.on('hostkeys', (keys: ParsedKey[]) => tellSuccessors(keys, attempt, lent));
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

/** Has the library start SFTP by sudo where it would ask for the subsystem. It would take a failure apart, so that goes past it. */
function startBy(client: SftpClient, bySudo: BySudo, fail: (error: unknown) => void): void {
  const { client: ssh } = client as unknown as { readonly client: Client };
  ssh.sftp = (...given) => {
    const [done] = given.slice(-1) as [ClientSFTPCallback];
    const begin = async (): Promise<void> => done(undefined, await sftpBySudo(ssh, bySudo));
    begin().catch(fail);
    return ssh;
  };
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
