import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { startDaemon } from './daemon.ts';
import { freePort } from './free-port.ts';
import { hostKey, SSHD, type SshServer, userKey, whyNoSshd } from './ssh.ts';

export type OwnSshServer = Pick<SshServer, 'port' | 'user' | 'privateKey' | 'hostKeys' | 'home'> &
  AsyncDisposable;

/** Why sshd cannot be started by the user of this process; undefined if it can. */
export async function whyNoOwnSshServer(): Promise<string | undefined> {
  const why = await whyNoSshd();
  if (why !== undefined || process.getuid?.() !== 0) return why;
  return 'root needs mount namespaces for a separate user, and they are not available here; start it as another user';
}

/**
 * Starts a real sshd without root: the user of this process signs in, only by key (a password could
 * not be checked), and only gets SFTP.
 */
export async function ownSshServer(): Promise<OwnSshServer> {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-ssh-'));
  const home = join(folder, 'home');
  await mkdir(home);
  const hostKeys = [await hostKey(folder, 'ed25519')];
  const privateKey = await userKey(folder, []);
  const port = await freePort();
  const configuration = join(folder, 'sshd_config');
  await writeFile(
    configuration,
    `Port ${port}
ListenAddress 127.0.0.1
HostKey ${join(folder, 'host_ed25519')}
PidFile none
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
AuthorizedKeysFile ${join(folder, 'authorized_keys')}
StrictModes no
UseDNS no
Subsystem sftp internal-sftp -d ${home}
ForceCommand internal-sftp -d ${home}
AllowTcpForwarding no
PerSourcePenalties no
`,
  );
  const log = join(folder, 'log');
  const daemon = await startDaemon({
    program: SSHD,
    args: ['-D', '-e', '-f', configuration],
    log,
    port,
  });
  return {
    port,
    user: userInfo().username,
    privateKey,
    hostKeys,
    home,
    async [Symbol.asyncDispose]() {
      await daemon.stop();
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    },
  };
}
