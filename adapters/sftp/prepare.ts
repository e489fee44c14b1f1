import { readFile } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import type { ConnectConfig } from 'ssh2';
import { DisableError, type Lent, type setting } from 'waybill/adapter';
import { algorithmsOf } from './algorithms.ts';
import type { Attempt } from './connect-failure.ts';
import { preferredAlgorithms, showHostKey } from './host-key.ts';
import { type KnownHost, knownHost } from './known-hosts.ts';
import type { JumpSettings, SftpConnectionSettings } from './sftp-settings.ts';
import { signIn } from './sign-in.ts';

/** What connecting needs of what the engine lends. */
export interface ConnectLent extends Pick<Lent<setting.Settings>, 'credential'> {
  readonly settings: SftpConnectionSettings;
}

/** Told of the stages of a connection: the connection test reports them one by one. */
export interface Stages {
  banner?(software: string): void;
  hostKey?(attempt: Attempt): void;
  /** Those of the jump host, where there is one. */
  readonly jump?: Stages & { signedIn?(attempt: Attempt): void; through?(): void };
}

/** One try to connect to the server, or to the jump host before it. */
export async function prepare(
  { settings, credential }: ConnectLent,
  target: Pick<JumpSettings, 'connect' | 'credential' | 'hostKey' | 'knownHosts'>,
  place: string,
): Promise<Attempt> {
  const file = target.knownHosts;
  const known: KnownHost =
    file === undefined
      ? { trusted: [], revoked: [], byCertificate: false }
      : knownHost(await readKnownHosts(file), target.connect);
  return {
    place,
    timeout: settings.connectTimeout,
    trusted: [...target.hostKey, ...known.trusted],
    revoked: known.revoked,
    byCertificate: known.byCertificate,
    signIn: signIn(await credential(target.credential)),
    shown: undefined,
    passwordExpired: false,
  };
}

/** What the library is told for a server and for a jump host alike. */
export function sshOptions(
  socket: Duplex,
  {
    attempt,
    settings,
    stages,
  }: {
    readonly attempt: Attempt;
    readonly settings: SftpConnectionSettings;
    readonly stages: Pick<Stages, 'hostKey'>;
  },
): ConnectConfig {
  return {
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
