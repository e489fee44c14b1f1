import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startDaemon } from '../../sandbox/daemon.ts';
import { freePort } from '../../sandbox/free-port.ts';
import { temporaryFolder } from './temporary-folder.ts';

const run = promisify(execFile);
const SERVER = '/usr/sbin/cupsd';
const PROGRAMS = '/usr/lib/cups';

/** Why tests against CUPS are skipped; undefined where they run. */
export const noCups: string | undefined = existsSync(SERVER)
  ? process.getuid?.() === 0
    ? undefined
    : 'cupsd needs root'
  : 'cups-daemon is not installed';

/** A backend that keeps what would be printed: `hold` in its folder makes it wait, `fail` abort. */
const BACKEND = `#!/bin/sh
[ $# -eq 0 ] && exit 0
out=\${DEVICE_URI#keep:}
while [ -e "$out/hold" ]; do sleep 0.05; done
[ -e "$out/fail" ] && exit 1
i=0
while [ "$i" -lt "$4" ]; do i=$((i+1)); cat "\${6:--}"; done > "$out/$1.part" && mv "$out/$1.part" "$out/$1.doc"
`;

/** A queue of the server, and what it has printed. */
export interface Queue {
  /** The path of its address. */
  readonly path: string;
  /** The documents that were printed, in the order of their jobs. */
  printed(): Promise<Buffer[]>;
  /** From now on the printer is busy, or fails each job; undefined ends it. */
  mark(what: 'hold' | 'fail' | undefined): Promise<void>;
  /** Has the queue refuse jobs, hold them for a person, or take them again. */
  admin(command: 'cupsreject' | 'cupsaccept' | 'cupsdisable' | 'cupsenable'): Promise<void>;
  /** The names of all jobs it ever had. */
  jobs(): Promise<readonly string[]>;
  /** Cancels every job that is not finished. */
  cancel(): Promise<void>;
}

export interface Cups extends AsyncDisposable {
  readonly port: number;
  /** With TLS; the certificate is that of the folder given. */
  readonly securePort: number;
  queue(name: string): Promise<Queue>;
}

/** A print server of its own, that nobody else sees. `tls` is for localhost. */
export async function cups(tls: {
  readonly certificate: string;
  readonly key: string;
}): Promise<Cups> {
  const folder = await temporaryFolder('cups');
  const at = (...parts: string[]): string => join(folder.path, ...parts);
  const [port, securePort] = [await freePort(), await freePort()];
  for (const one of ['bin/backend', 'spool', 'state', 'cache', 'tmp', 'keys', 'out']) {
    await mkdir(at(one), { recursive: true });
  }
  for (const one of ['filter', 'daemon', 'cgi-bin'])
    await symlink(join(PROGRAMS, one), at('bin', one));
  await writeFile(at('bin/backend/keep'), BACKEND);
  // only what nobody else may run is run as root
  await chmod(at('bin/backend/keep'), 0o700);
  await writeFile(at('keys/localhost.crt'), tls.certificate);
  await writeFile(at('keys/localhost.key'), tls.key, { mode: 0o600 });
  await writeFile(at('cups-files.conf'), filesConfig(folder.path));
  await writeFile(at('cupsd.conf'), serverConfig(port, securePort));
  const daemon = await startDaemon({
    program: SERVER,
    args: ['-f', '-c', at('cupsd.conf'), '-s', at('cups-files.conf')],
    log: at('log'),
    port,
  });
  const to = ['-h', `127.0.0.1:${port}`];
  return {
    port,
    securePort,
    async queue(name) {
      const out = at('out', name);
      await mkdir(out);
      await run('lpadmin', [
        ...to,
        '-p',
        name,
        '-v',
        `keep:${out}`,
        '-E',
        '-o',
        'printer-error-policy=abort-job',
      ]);
      return queueOf(name, out, to);
    },
    async [Symbol.asyncDispose]() {
      await daemon.stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}

function queueOf(name: string, out: string, to: readonly string[]): Queue {
  return {
    path: `/printers/${name}`,
    async printed() {
      const names = (await readdir(out)).filter((one) => one.endsWith('.doc'));
      const ordered = names.toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
      return Promise.all(ordered.map((one) => readFile(join(out, one))));
    },
    async mark(what) {
      await rm(join(out, 'hold'), { force: true });
      await rm(join(out, 'fail'), { force: true });
      if (what !== undefined) await writeFile(join(out, what), '');
    },
    admin: async (command) => void (await run(command, [...to, name])),
    async jobs() {
      const { stdout } = await run('lpstat', [...to, '-W', 'all', '-o', name]);
      return stdout.split('\n').filter(Boolean);
    },
    cancel: async () => void (await run('cancel', [...to, '-a', name])),
  };
}

const filesConfig = (folder: string): string =>
  [
    `ServerRoot ${folder}`,
    `ServerBin ${folder}/bin`,
    `RequestRoot ${folder}/spool`,
    `StateDir ${folder}/state`,
    `CacheDir ${folder}/cache`,
    `TempDir ${folder}/tmp`,
    `ServerKeychain ${folder}/keys`,
    'ErrorLog stderr',
    `AccessLog ${folder}/access`,
    `PageLog ${folder}/page`,
    'SystemGroup root',
    '',
  ].join('\n');

const serverConfig = (port: number, securePort: number): string =>
  [
    `Listen 127.0.0.1:${port}`,
    `SSLListen 127.0.0.1:${securePort}`,
    'ServerName localhost',
    'Browsing No',
    'WebInterface No',
    'DefaultAuthType None',
    'LogLevel error',
    'MaxLogSize 0',
    '<Location />',
    'Order allow,deny',
    'Allow all',
    '</Location>',
    '<Policy default>',
    'JobPrivateAccess all',
    'JobPrivateValues none',
    '<Limit All>',
    'Order deny,allow',
    '</Limit>',
    '</Policy>',
    '',
  ].join('\n');
