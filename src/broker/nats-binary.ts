import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, chmod, mkdir, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { EngineError } from '../error/engine-error.ts';

const run = promisify(execFile);
const RELEASE = 'v2.10.27';
const DOWNLOADS = `https://github.com/nats-io/nats-server/releases/download/${RELEASE}`;
const BY_HAND =
  'Install nats-server (Debian and Ubuntu: apt-get install nats-server; Fedora: dnf install nats-server; macOS: brew install nats-server), or name one with WAYBILL_NATS_SERVER, or use a running one with --nats.';

/** Where downloaded servers are kept. */
function cacheFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'waybill');
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** The nats-server of WAYBILL_NATS_SERVER, the PATH, the system's usual folders or the cache. */
async function installed(): Promise<string | undefined> {
  const named = process.env['WAYBILL_NATS_SERVER'];
  if (named !== undefined) return named;
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  folders.push(
    '/usr/sbin',
    '/usr/local/sbin',
    '/usr/local/bin',
    '/opt/homebrew/bin',
    cacheFolder(),
  );
  for (const folder of folders) {
    const file = join(folder, 'nats-server');
    if (folder !== '' && (await isExecutable(file))) return file;
  }
  return undefined;
}

/** Commands that install the package without asking; each is tried only where its tool exists. */
const INSTALLERS: readonly (readonly string[])[] = [
  ['apt-get', 'install', '-y', '--no-install-recommends', 'nats-server'],
  ['dnf', 'install', '-y', 'nats-server'],
  ['brew', 'install', 'nats-server'],
];

async function installFromSystem(): Promise<boolean> {
  const root = process.getuid?.() === 0;
  for (const [tool = '', ...words] of INSTALLERS) {
    const asRoot = root || tool === 'brew' ? [tool] : ['sudo', '-n', tool];
    try {
      if (tool === 'apt-get') await quietly([...asRoot, 'update', '-qq']);
      await quietly([...asRoot, ...words]);
      return true;
    } catch {
      // not this system's tool, not allowed, or no such package: the next way is tried
    }
  }
  return false;
}

async function quietly([command = '', ...words]: readonly string[]): Promise<void> {
  await run(command, words, {
    timeout: 180_000,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
  });
}

const PLATFORMS: Readonly<Record<string, string>> = {
  'linux-x64': 'linux-amd64',
  'linux-arm64': 'linux-arm64',
  'darwin-x64': 'darwin-amd64',
  'darwin-arm64': 'darwin-arm64',
};

/** Fetches the official release into the cache; the archive must match the release's SHA256SUMS. */
async function download(): Promise<string | undefined> {
  const platform = PLATFORMS[`${process.platform}-${process.arch}`];
  if (platform === undefined) return undefined;
  const archive = `nats-server-${RELEASE}-${platform}.tar.gz`;
  const sums = await (await get(`${DOWNLOADS}/SHA256SUMS`)).text();
  const bytes = Buffer.from(await (await get(`${DOWNLOADS}/${archive}`)).arrayBuffer());
  const expected = sums
    .split('\n')
    .find((line) => line.endsWith(archive))
    ?.split(/\s/)[0];
  const actual = createHash('sha256').update(bytes).digest('hex');
  if (expected !== actual) {
    throw new EngineError(
      'BROKER_UNAVAILABLE',
      `the checksum of ${archive} is wrong; it was not used. ${BY_HAND}`,
    );
  }
  const folder = cacheFolder();
  await mkdir(folder, { recursive: true });
  const packed = join(folder, archive);
  await writeFile(packed, bytes);
  await run('tar', [
    '-xzf',
    packed,
    '-C',
    folder,
    '--strip-components=1',
    '--wildcards',
    '*/nats-server',
  ]);
  const file = join(folder, 'nats-server');
  await chmod(file, 0o755);
  await rename(packed, join(folder, 'nats-server.tar.gz'));
  return file;
}

async function get(url: string): Promise<Response> {
  const response = await fetch(url, { signal: AbortSignal.timeout(60_000) });
  if (!response.ok) throw new Error(`GET ${url} answered ${response.status}`);
  return response;
}

/**
 * The path of a nats-server: found, else installed from the system's packages, else downloaded with
 * its checksum verified. `allowInstall: false` (or WAYBILL_INSTALL=never) only looks.
 */
export async function findNatsServer(
  allowInstall: boolean = process.env['WAYBILL_INSTALL'] !== 'never',
  say: (text: string) => void = () => undefined,
): Promise<string> {
  const found = await installed();
  if (found !== undefined) return found;
  if (allowInstall) {
    say('nats-server was not found; installing it from the system packages …');
    if (await installFromSystem()) {
      const now = await installed();
      if (now !== undefined) return now;
    }
    say('no package could be installed; fetching the official release …');
    const fetched = await download().catch(() => undefined);
    if (fetched !== undefined) return fetched;
  }
  throw new EngineError('BROKER_UNAVAILABLE', `nats-server was not found. ${BY_HAND}`);
}
