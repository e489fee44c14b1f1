import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A user that exists only for one server. */
export interface PrivateUser {
  readonly name: string;
  readonly password: string;
  readonly home: string;
  readonly uid: number;
}

/** A separate disk, small enough to be filled. */
export interface SmallDisk {
  readonly folder: string;
  /** In the format of `mount`: `1m`. */
  readonly size: string;
}

export interface PrivateSystem {
  /** A folder for the files that replace the system's. */
  readonly folder: string;
  readonly users: readonly PrivateUser[];
  /** The PAM service of the program: `sshd`, `vsftpd`; undefined for one without PAM. */
  readonly service: string | undefined;
  readonly disk?: SmallDisk | undefined;
  /** Further files of the system that others stand in for, with what these hold: `/etc/sudoers`. */
  readonly files?: Readonly<Record<string, string>> | undefined;
}

/** Why no program can be started with its own users; undefined if it can. */
export async function whyNoPrivateUsers(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'this is not root';
  try {
    await run('unshare', ['--mount', '--propagation', 'private', 'true']);
    await run('openssl', ['version']);
    return undefined;
  } catch {
    // forbidden, or not installed
    return 'mount namespaces (or openssl) are not available here';
  }
}

/**
 * The command line that runs a program with its own users: in a mount namespace with a different
 * `/etc/passwd`, `/etc/shadow`, `/etc/group` and PAM service. Nothing on the machine is changed,
 * and everything is gone when the program ends. The process id is that of the program.
 */
export async function withPrivateUsers(
  { folder, users, service, disk, files = {} }: PrivateSystem,
  command: readonly string[],
): Promise<{ readonly program: string; readonly args: readonly string[] }> {
  const passwd = users.map(({ name, uid, home }) => `${name}:x:${uid}:${uid}::${home}:/bin/sh`);
  const group = users.map(({ name, uid }) => `${name}:x:${uid}:`);
  const shadow = await Promise.all(
    users.map(async ({ name, password }) => `${name}:${await hashed(password)}:19000:0:99999:7:::`),
  );
  const mounts = [
    await mount(folder, '/etc/passwd', await withLines('/etc/passwd', passwd)),
    await mount(folder, '/etc/shadow', await withLines('/etc/shadow', shadow)),
    await mount(folder, '/etc/group', await withLines('/etc/group', group)),
    ...(service === undefined ? [] : [await mount(folder, `/etc/pam.d/${service}`, PAM)]),
    ...(await Promise.all(
      Object.entries(files).map(([path, content]) => mount(folder, path, content)),
    )),
    ...(disk === undefined
      ? []
      : [`mount -t tmpfs -o size=${disk.size},mode=777 none ${disk.folder}`]),
  ];
  const script = [...mounts, 'exec "$@"'].join(' && ');
  return {
    program: 'unshare',
    args: ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', ...command],
  };
}

/** Only passwords: no session, no limits, no pause after a wrong one, and none of this machine's policy. */
const PAM = `auth required pam_unix.so nodelay
account required pam_permit.so
session required pam_permit.so
`;

async function withLines(path: string, lines: readonly string[]): Promise<string> {
  // a system without one
  const own = await readFile(path, 'utf8').catch(() => '');
  return `${own.trimEnd()}\n${lines.join('\n')}\n`;
}

const MODES: Readonly<Record<string, number>> = { '/etc/shadow': 0o600, '/etc/sudoers': 0o440 };

async function mount(folder: string, path: string, content: string): Promise<string> {
  const file = join(folder, path.slice(1).replaceAll('/', '-'));
  await writeFile(file, content, { mode: MODES[path] ?? 0o644 });
  return `mount --bind ${file} ${path}`;
}

function hashed(password: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile('openssl', ['passwd', '-6', '-stdin'], (error, output) => {
      if (error === null) resolve(output.trim());
      else reject(new Error('openssl passwd failed', { cause: error }));
    });
    child.stdin?.end(`${password}\n`);
  });
}
