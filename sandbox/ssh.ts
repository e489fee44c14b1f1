import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EngineError } from '../src/error/engine-error.ts';
import { type Daemon, startDaemon } from './daemon.ts';
import { freePort } from './free-port.ts';
import { whyNoPrivateUsers, withPrivateUsers } from './private-users.ts';

const run = promisify(execFile);
export const SSHD = '/usr/sbin/sshd';
/** Above every user of a machine, below the range of containers. */
const UID = 64_101;

export type SshMethod = 'password' | 'publickey' | 'keyboard-interactive';

export interface SshServerOptions {
  /** Default: a free one. */
  readonly port?: number;
  readonly user?: string;
  readonly password?: string;
  /** How the user may sign in. Default: by password and by key. */
  readonly methods?: readonly SshMethod[];
  /** Further public keys, besides the server's own `privateKey`, that may sign in, as in `authorized_keys`. */
  readonly authorized?: readonly string[];
  /** Host key types. Default: only ed25519. */
  readonly hostKeys?: readonly ('ed25519' | 'rsa' | 'ecdsa')[];
  /** Further lines of `sshd_config`, before all others, so that they take precedence. */
  readonly lines?: readonly string[];
  /** Mounts a disk of 1 MB as the folder `small` below home. */
  readonly smallDisk?: boolean;
  /** Another user of the machine, who does not sign in. */
  readonly other?: { readonly name: string; readonly password: string };
  /** What `/etc/sudoers` holds. */
  readonly sudoers?: string;
}

export interface SshHostKey {
  readonly type: string;
  /** `SHA256:…`, as `ssh-keygen -l` shows it. */
  readonly fingerprint: string;
  /** `ssh-ed25519 AAAA…`, as in `known_hosts` without the host. */
  readonly line: string;
}

/** An OpenSSH server on loopback with its own user. */
export interface SshServer extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  readonly user: string;
  readonly password: string;
  /** Can also sign in, if keys may. */
  readonly privateKey: string;
  readonly hostKeys: readonly SshHostKey[];
  /** The start folder of SFTP, on this machine's disk. */
  readonly home: string;
  /** Its configuration, keys and log; removed at the end. */
  readonly folder: string;
  /** Ends it, keeping its files, so that `start` brings it back on the same port. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** Why there is no sshd here; undefined if there is one. */
export async function whyNoSshd(): Promise<string | undefined> {
  try {
    await run(SSHD, ['-V']);
    return undefined;
  } catch {
    // ENOENT
    return 'openssh-server is not installed (apt-get install openssh-server)';
  }
}

/** Why no OpenSSH server with its own user can be started here; undefined if one can. */
export async function whyNoSshServer(): Promise<string | undefined> {
  return (await whyNoSshd()) ?? (await whyNoPrivateUsers());
}

/** Starts a real sshd with its own keys, user and home. Throws NOT_FOUND if that is not possible. */
export async function sshServer(options: SshServerOptions = {}): Promise<SshServer> {
  const reason = await whyNoSshServer();
  if (reason !== undefined) throw new EngineError('NOT_FOUND', `No SSH server: ${reason}.`);
  const folder = await mkdtemp(join(tmpdir(), 'waybill-ssh-'));
  const home = join(folder, 'home');
  // The user is not this process's and must be able to reach its home.
  await chmod(folder, 0o755);
  await mkdir(home);
  await mkdir(join(home, 'small'));
  await chown(home, UID, UID);
  const { user = 'hub', password = 'open sesame', hostKeys = ['ed25519'] } = options;
  const port = options.port ?? (await freePort());
  const keys = await Promise.all(hostKeys.map((type) => hostKey(folder, type)));
  const privateKey = await userKey(folder, options.authorized ?? []);
  const configuration = join(folder, 'sshd_config');
  await writeFile(configuration, configurationOf({ folder, port, hostKeys, options }));
  const command = await withPrivateUsers(
    {
      folder,
      users: [
        { name: user, password, home, uid: UID },
        ...(options.other === undefined ? [] : [{ ...options.other, home: '/', uid: UID + 1 }]),
      ],
      service: 'sshd',
      files: options.sudoers === undefined ? {} : { '/etc/sudoers': options.sudoers },
      disk: options.smallDisk ? { folder: join(home, 'small'), size: '1m' } : undefined,
    },
    [SSHD, '-D', '-e', '-f', configuration],
  );
  // The chroot of sshd's pre-authentication process; Debian creates it at boot.
  await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  const log = join(folder, 'log');
  let daemon: Daemon = await startDaemon({ ...command, log, port });
  return {
    port,
    user,
    password,
    privateKey,
    hostKeys: keys,
    home,
    folder,
    get pid() {
      return daemon.pid;
    },
    stop: () => daemon.stop(),
    async start() {
      daemon = await startDaemon({ ...command, log, port });
    },
    async [Symbol.asyncDispose]() {
      await daemon.stop();
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    },
  };
}

interface Configuration {
  readonly folder: string;
  readonly port: number;
  readonly hostKeys: readonly string[];
  readonly options: SshServerOptions;
}

function configurationOf({ folder, port, hostKeys, options }: Configuration): string {
  const { methods = ['password', 'publickey'], lines = [] } = options;
  const allowed = (method: SshMethod): string => (methods.includes(method) ? 'yes' : 'no');
  return `${lines.join('\n')}
Port ${port}
ListenAddress 127.0.0.1
${hostKeys.map((type) => `HostKey ${join(folder, `host_${type}`)}`).join('\n')}
PidFile none
UsePAM yes
PasswordAuthentication ${allowed('password')}
KbdInteractiveAuthentication ${allowed('keyboard-interactive')}
PubkeyAuthentication ${allowed('publickey')}
AuthorizedKeysFile ${join(folder, 'authorized_keys')}
StrictModes no
UseDNS no
PrintMotd no
Subsystem sftp internal-sftp
LogLevel VERBOSE
PerSourcePenalties no
MaxStartups 100
`;
}

/** Makes a host key in the folder. */
export async function hostKey(folder: string, type: string): Promise<SshHostKey> {
  const file = join(folder, `host_${type}`);
  await run('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', '', '-f', file]);
  const line = (await readFile(`${file}.pub`, 'utf8')).trim();
  return { type, line, fingerprint: fingerprintOf(line) };
}

/** `SHA256:…` of a public key line, as `ssh-keygen -l` shows it. */
export function fingerprintOf(line: string): string {
  const [, key = ''] = line.split(' ');
  const hash = createHash('sha256').update(Buffer.from(key, 'base64')).digest('base64');
  return `SHA256:${hash.replace(/=+$/, '')}`;
}

/** Makes a further key that may sign in. */
export async function userKey(folder: string, authorized: readonly string[]): Promise<string> {
  const file = join(folder, 'user_key');
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', file]);
  const own = (await readFile(`${file}.pub`, 'utf8')).trim();
  await writeFile(join(folder, 'authorized_keys'), `${[own, ...authorized].join('\n')}\n`);
  return await readFile(file, 'utf8');
}
