import { chmod, chown, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  certificateAuthority,
  type IssuedCertificate,
} from '../../src/credential/certificate-maker.ts';
import { EngineError } from '../../src/error/engine-error.ts';
import { type Daemon, startDaemon } from '../daemon.ts';
import { freePort } from '../free-port.ts';
import { whyNoPrivateUsers, withPrivateUsers } from '../private-users.ts';

/**
 * ProFTPD with mod_tls (Debian: proftpd-core and proftpd-mod-crypto), which cannot be installed
 * together with vsftpd.
 */
const proftpd: FtpsSetUp = {
  path: '/usr/sbin/proftpd',
  args: (configuration) => ['--nodaemon', '--config', configuration],
  configuration: ({ folder, port, security, tls, lines }) => `ServerName sandbox
ServerType standalone
DefaultServer on
Port ${port}
DefaultAddress 127.0.0.1
SocketBindTight on
UseIPv6 off
UseReverseDNS off
ModulePath /usr/lib/proftpd
LoadModule mod_xfer.c
LoadModule mod_ls.c
${security === 'none' ? '' : 'LoadModule mod_tls.c'}
PidFile ${folder}/pid
ScoreboardFile ${folder}/scoreboard
SystemLog ${folder}/proftpd.log
TransferLog none
WtmpLog off
User nobody
Group nogroup
AuthOrder mod_auth_unix.c
RequireValidShell off
UseFtpUsers off
AllowOverwrite on
Umask 022
${security === 'none' ? '' : modTls(folder, security, tls)}
${lines.join('\n')}
`,
};

function modTls(folder: string, security: string, tls: string | undefined): string {
  return `TLSEngine on
TLSLog ${folder}/tls.log
TLSProtocol ${tls === undefined ? 'TLSv1.2 TLSv1.3' : `TLSv${tls}`}
TLSECCertificateFile ${folder}/server.crt
TLSECCertificateKeyFile ${folder}/server.key
TLSRequired on
TLSVerifyClient off
${security === 'implicit' ? 'TLSOptions UseImplicitSSL' : ''}`;
}

/** vsftpd from Debian, whose options for TLS versions have different names (ssl_tlsv12). */
const vsftpd: FtpsSetUp = {
  path: '/usr/sbin/vsftpd',
  args: (configuration) => [configuration],
  configuration: ({ folder, port, security, tls, lines }) => `listen=YES
listen_address=127.0.0.1
listen_port=${port}
background=NO
anonymous_enable=NO
local_enable=YES
write_enable=YES
local_umask=022
pam_service_name=vsftpd
secure_chroot_dir=${folder}/empty
delay_failed_login=0
delay_successful_login=0
use_localtime=NO
utf8_filesystem=YES
pasv_address=127.0.0.1
seccomp_sandbox=NO
xferlog_enable=YES
log_ftp_protocol=YES
vsftpd_log_file=${folder}/vsftpd.log
dirmessage_enable=NO
${security === 'none' ? 'ssl_enable=NO' : vsftpdTls(folder, security, tls)}
${lines.join('\n')}
`,
};

function vsftpdTls(folder: string, security: string, tls: string | undefined): string {
  const version = (one: string): string => (tls === undefined || tls === one ? 'YES' : 'NO');
  return `ssl_enable=YES
implicit_ssl=${security === 'implicit' ? 'YES' : 'NO'}
rsa_cert_file=${folder}/server.crt
rsa_private_key_file=${folder}/server.key
force_local_logins_ssl=YES
force_local_data_ssl=YES
require_ssl_reuse=YES
ssl_tlsv1=NO
ssl_tlsv12=${version('1.2')}
ssl_tlsv13=${version('1.3')}
ssl_ciphers=HIGH`;
}

/** Above every user of a machine, below the range of containers. */
const UID = 64_102;

export type FtpsProgram = 'vsftpd' | 'proftpd';

export interface FtpsServerOptions {
  /** Default: the one that is installed. */
  readonly program?: FtpsProgram;
  /**
   * `explicit` begins unencrypted and switches (AUTH TLS), `implicit` uses TLS from the start,
   * `none` never. Default: explicit.
   */
  readonly security?: 'explicit' | 'implicit' | 'none';
  /** Default: a free one. */
  readonly port?: number;
  readonly user?: string;
  readonly password?: string;
  /** Only this TLS version. Default: 1.2 and 1.3. */
  readonly tls?: '1.2' | '1.3';
  /** Default: one for localhost and 127.0.0.1 from its own authority. */
  readonly certificate?: IssuedCertificate & { readonly authority: string };
  /** Further lines of its configuration. */
  readonly lines?: readonly string[];
  /** Mounts a disk of 1 MB as the folder `small` below home. */
  readonly smallDisk?: boolean;
}

/** An FTPS server on loopback with its own user. */
export interface FtpsServer extends AsyncDisposable {
  readonly program: FtpsProgram;
  readonly port: number;
  readonly pid: number;
  readonly user: string;
  readonly password: string;
  /** PEM of the authority of its certificate, and the path of a file with it. */
  readonly authority: string;
  readonly trust: string;
  /** The user's start folder, on this machine's disk. */
  readonly home: string;
  /** Its configuration and log; removed at the end. */
  readonly folder: string;
  /** Ends it, keeping its files, so that `start` brings it back on the same port. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** The input for the configuration of a program. */
export interface FtpsPlan {
  readonly folder: string;
  readonly port: number;
  readonly security: 'explicit' | 'implicit' | 'none';
  readonly tls: '1.2' | '1.3' | undefined;
  readonly lines: readonly string[];
}

/** How a program is set up. */
export interface FtpsSetUp {
  readonly path: string;
  /** Its configuration, for one file. */
  readonly configuration: (plan: FtpsPlan) => string;
  readonly args: (configuration: string) => readonly string[];
}

const PROGRAMS: Readonly<Record<FtpsProgram, FtpsSetUp>> = { vsftpd, proftpd };

/** Why that program, or any of them, cannot be started here; undefined if it can. */
export async function whyNoFtpsServer(program?: FtpsProgram): Promise<string | undefined> {
  if ((await installed(program)) === undefined) {
    const wanted = program ?? 'vsftpd';
    return `${wanted} is not installed (apt-get install ${wanted === 'proftpd' ? 'proftpd-core proftpd-mod-crypto' : wanted})`;
  }
  return await whyNoPrivateUsers();
}

async function installed(program?: FtpsProgram): Promise<FtpsProgram | undefined> {
  for (const one of program === undefined ? (['vsftpd', 'proftpd'] as const) : [program]) {
    // not installed
    const found = await stat(PROGRAMS[one].path).catch(() => undefined);
    if (found !== undefined) return one;
  }
  return undefined;
}

/** Starts a real FTPS server with its own certificate, user and home. Throws NOT_FOUND if that is not possible. */
export async function ftpsServer(options: FtpsServerOptions = {}): Promise<FtpsServer> {
  const reason = await whyNoFtpsServer(options.program);
  const program = await installed(options.program);
  if (reason !== undefined || program === undefined) {
    throw new EngineError('NOT_FOUND', `No FTPS server: ${reason}.`);
  }
  const { user = 'hub', password = 'open sesame', security = 'explicit' } = options;
  const folder = await mkdtemp(join(tmpdir(), 'waybill-ftps-'));
  const home = await homeIn(folder);
  const authority = await certificateIn(folder, options.certificate);
  const port = options.port ?? (await freePort());
  const { path, configuration, args } = PROGRAMS[program];
  const file = join(folder, 'configuration');
  const plan = { folder, port, security, tls: options.tls, lines: options.lines ?? [] };
  await writeFile(file, configuration(plan));
  const command = await withPrivateUsers(
    {
      folder,
      users: [{ name: user, password, home, uid: UID }],
      // ProFTPD reads the files of the system by itself.
      service: program === 'vsftpd' ? 'vsftpd' : undefined,
      disk: options.smallDisk ? { folder: join(home, 'small'), size: '1m' } : undefined,
    },
    [path, ...args(file)],
  );
  const log = join(folder, 'log');
  let daemon: Daemon = await startDaemon({ ...command, log, port });
  return {
    program,
    port,
    user,
    password,
    authority,
    trust: join(folder, 'ca.crt'),
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

async function homeIn(folder: string): Promise<string> {
  const home = join(folder, 'home');
  // The user is not this process's and must be able to reach its home.
  await chmod(folder, 0o755);
  await mkdir(join(folder, 'empty'));
  await mkdir(home);
  await mkdir(join(home, 'small'));
  await chown(home, UID, UID);
  return home;
}

/** Writes the certificate, its key and its authority, and returns the latter. */
async function certificateIn(
  folder: string,
  given: FtpsServerOptions['certificate'],
): Promise<string> {
  const own = certificateAuthority('Sandbox authority');
  const { certificate, key } =
    given ?? own.issue({ commonName: 'localhost', names: ['DNS:localhost', 'IP:127.0.0.1'] });
  const authority = given?.authority ?? own.certificate;
  await writeFile(join(folder, 'server.crt'), certificate);
  await writeFile(join(folder, 'server.key'), key, { mode: 0o600 });
  await writeFile(join(folder, 'ca.crt'), authority);
  return authority;
}
