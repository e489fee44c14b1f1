import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { describeError, EngineError } from '../../error/engine-error.ts';
import { isTooOld, OLDEST } from '../server-version.ts';

const run = promisify(execFile);

const BY_HAND =
  'Install nats-server 2.10 or newer (Debian and Ubuntu: apt-get install nats-server; Fedora: dnf install nats-server; macOS: brew install nats-server), or give its path in WAYBILL_NATS_SERVER, or use a running one with --nats.';

/** Where downloaded servers are kept. */
function cacheFolder(environment: NodeJS.ProcessEnv): string {
  const cache = environment['XDG_CACHE_HOME'] ?? join(environment['HOME'] ?? homedir(), '.cache');
  return join(cache, 'waybill');
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** Programs that can be used: a process that starts many servers asks each file once for its version. */
const fitting = new Set<string>();

/** Why a program cannot be used; undefined if it can. */
async function misfit(file: string): Promise<string | undefined> {
  const state = await stat(file).then(
    ({ ino, size, mtimeMs }) => `${file} ${ino} ${size} ${mtimeMs}`,
    // told by the attempt to run it
    () => undefined,
  );
  if (state !== undefined && fitting.has(state)) return undefined;
  const why = await tried(file);
  if (state !== undefined && why === undefined) fitting.add(state);
  return why;
}

async function tried(file: string): Promise<string | undefined> {
  let said: string;
  try {
    said = (await run(file, ['--version'], { timeout: 10_000 })).stdout.trim();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return `${file} cannot be run (${code ?? 'it failed'})`;
  }
  const [, version] = /nats-server: v(\d+\.\d+)\./.exec(`${said}.`) ?? [];
  if (version === undefined) return `${file} is not a nats-server`;
  return isTooOld(version) ? `${file} is version ${version}, older than ${OLDEST}` : undefined;
}

/** Where packages install it; the PATH may lack these. */
const USUAL_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/opt/homebrew/bin'];

/** Servers on the PATH, in the system's usual folders and in the cache. */
async function candidates(
  environment: NodeJS.ProcessEnv,
  usual: readonly string[],
): Promise<string[]> {
  const folders = (environment['PATH'] ?? '').split(delimiter);
  folders.push(...usual, cacheFolder(environment));
  const files = [...new Set(folders)]
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, 'nats-server'));
  const there = await Promise.all(files.map(isExecutable));
  return files.filter((_, index) => there[index]);
}

/** The first usable one; the reasons against the others are added to `unfit`. */
async function installed(
  { environment = process.env, folders = USUAL_FOLDERS }: FindOptions,
  unfit: Set<string>,
): Promise<string | undefined> {
  for (const file of await candidates(environment, folders)) {
    const why = await misfit(file);
    if (why === undefined) return file;
    unfit.add(why);
  }
  return undefined;
}

/** Commands that install the package without asking; each is tried only where its tool exists. */
const INSTALLERS: readonly (readonly string[])[] = [
  ['apt-get', 'install', '-y', '--no-install-recommends', 'nats-server'],
  ['dnf', 'install', '-y', 'nats-server'],
  ['brew', 'install', 'nats-server'],
];

async function installFromSystem(environment: NodeJS.ProcessEnv): Promise<boolean> {
  const root = process.getuid?.() === 0;
  for (const [tool = '', ...words] of INSTALLERS) {
    const asRoot = root || tool === 'brew' ? [tool] : ['sudo', '-n', tool];
    try {
      if (tool === 'apt-get') await quietly([...asRoot, 'update', '-qq'], environment);
      await quietly([...asRoot, ...words], environment);
      return true;
    } catch {
      // not this system's tool, not allowed, or no such package: try the next one
    }
  }
  return false;
}

async function quietly(
  [command = '', ...words]: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  await run(command, words, {
    timeout: 180_000,
    env: { ...environment, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
  });
}

export interface FindOptions {
  /** Whether one may be installed or downloaded. Default: yes, unless WAYBILL_INSTALL is `never`. */
  readonly allowInstall?: boolean | undefined;
  /** Called before anything that takes a while. */
  readonly say?: ((text: string) => void) | undefined;
  readonly environment?: NodeJS.ProcessEnv;
  /** Where to look besides the PATH. */
  readonly folders?: readonly string[];
  /** Where releases are. */
  readonly downloads?: string;
  /** What may be downloaded from there. */
  readonly archives?: Readonly<Record<string, NatsArchive>> | undefined;
}

/**
 * The path of a nats-server that is new enough: the one in WAYBILL_NATS_SERVER, otherwise one
 * already on the machine, one installed from the system's packages, or one downloaded with its
 * checksum verified. Throws BROKER_UNAVAILABLE with everything that was wrong.
 */
export async function findNatsServer(options: FindOptions = {}): Promise<string> {
  const { environment = process.env, say } = options;
  const named = environment['WAYBILL_NATS_SERVER'];
  if (named !== undefined) return await usable(named);
  const unfit = new Set<string>();
  const found = await installed(options, unfit);
  if (found !== undefined) return found;
  if (!(options.allowInstall ?? environment['WAYBILL_INSTALL'] !== 'never')) {
    throw notFound([...unfit]);
  }
  say?.('no nats-server was found; installing it from the system packages …');
  if (await installFromSystem(environment)) {
    const now = await installed(options, unfit);
    if (now !== undefined) return now;
  }
  say?.('no package could be used; downloading the official release …');
  return await fetched(options, environment, unfit);
}

async function usable(named: string): Promise<string> {
  const why = await misfit(named);
  if (why === undefined) return named;
  throw notFound([`${why}, although WAYBILL_NATS_SERVER names it`]);
}

async function fetched(
  { downloads = NATS_DOWNLOADS, archives }: FindOptions,
  environment: NodeJS.ProcessEnv,
  unfit: Set<string>,
): Promise<string> {
  try {
    const file = await fetchNatsRelease(downloads, cacheFolder(environment), archives);
    const why = await misfit(file);
    if (why === undefined) return file;
    unfit.add(why);
  } catch (error) {
    const { text, retryable } = describeError(error);
    throw notFound([...unfit, text], { retryable });
  }
  throw notFound([...unfit]);
}

function notFound(why: readonly string[], { retryable = false } = {}): EngineError {
  const reasons = why.length === 0 ? '' : ` (${why.join('; ')})`;
  return new EngineError('BROKER_UNAVAILABLE', `no nats-server can be used${reasons}. ${BY_HAND}`, {
    retryable,
  });
}

const NATS_RELEASE = 'v2.10.27';
const NATS_DOWNLOADS = 'https://github.com/nats-io/nats-server/releases/download';

/** An archive that may be used: its name and SHA-256. */
interface NatsArchive {
  readonly platform: string;
  readonly sum: string;
}

/**
 * By platform of Node. The checksums are those with which the project's own container images were
 * built; they are in the code because checksums next to a tampered archive may be tampered with
 * too. macOS has packages.
 */
const NATS_ARCHIVES: Readonly<Record<string, NatsArchive>> = {
  'linux-x64': {
    platform: 'linux-amd64',
    sum: '0c3f53edaf1acccc41866d49d9c3626c9de8c9138b2fc11bbadfd3a4eb544ef1',
  },
  'linux-arm64': {
    platform: 'linux-arm64',
    sum: '47067e41dc27890d9665ddf429ce24f9ed50bddd035dee63b915fcfcb1f8043b',
  },
};

/**
 * Downloads the official release of nats-server into a folder; the archive must have the known
 * checksum, otherwise nothing is kept. Throws BROKER_UNAVAILABLE with what failed.
 */
async function fetchNatsRelease(
  downloads: string,
  folder: string,
  archives: Readonly<Record<string, NatsArchive>> = NATS_ARCHIVES,
): Promise<string> {
  const known = archives[`${process.platform}-${process.arch}`];
  if (known === undefined) {
    throw failed(`no release is known for ${process.platform} on ${process.arch}`);
  }
  const archive = `nats-server-${NATS_RELEASE}-${known.platform}.tar.gz`;
  const bytes = await get(`${downloads}/${NATS_RELEASE}/${archive}`);
  if (createHash('sha256').update(bytes).digest('hex') !== known.sum) {
    throw failed(
      `${archive} was not used, since its checksum is not that of the release: it was damaged or changed, in transit or at its source`,
      { retryable: true },
    );
  }
  const program = fileInTar(await unpacked(bytes, archive), 'nats-server');
  if (program === undefined) throw failed(`${archive} contains no nats-server`);
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'nats-server');
  // another process may be downloading it as well, or running the existing one
  const part = `${file}.${process.pid}.part`;
  try {
    await writeFile(part, program, { mode: 0o755 });
    await rename(part, file);
  } finally {
    await rm(part, { force: true });
  }
  return file;
}

async function unpacked(bytes: Buffer, archive: string): Promise<Buffer> {
  try {
    return await promisify(gunzip)(bytes);
  } catch {
    throw failed(`${archive} cannot be unpacked`);
  }
}

async function get(url: string): Promise<Buffer> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(120_000) });
    if (response.ok) return Buffer.from(await response.arrayBuffer());
    throw failed(`GET ${url} answered ${response.status}`, {
      retryable: response.status >= 500,
    });
  } catch (error) {
    if (error instanceof EngineError) throw error;
    const { cause } = error as Error;
    const why = describeError(cause instanceof Error ? cause : error).text;
    throw failed(`GET ${url} failed: ${why}`, { retryable: true });
  }
}

/** @param retryable whether trying again may help */
function failed(what: string, { retryable = false } = {}): EngineError {
  return new EngineError('BROKER_UNAVAILABLE', what, { retryable });
}

const BLOCK = 512;
const NAME = [0, 100] as const;
const SIZE = [124, 136] as const;
const KIND = [156, 157] as const;
/** A plain file: `0`, or empty in old archives. */
const FILE: ReadonlySet<string> = new Set(['0', '']);

/** The bytes of the first plain file with that name, in any folder, of a tar archive (POSIX ustar). */
function fileInTar(archive: Buffer, name: string): Buffer | undefined {
  for (let at = 0; at + BLOCK <= archive.byteLength; ) {
    const text = ([from, to]: readonly [number, number]): string =>
      archive.toString('latin1', at + from, at + to).replace(/[\0 ]+$/, '');
    const size = Number.parseInt(text(SIZE) || '0', 8);
    if (!Number.isFinite(size)) return undefined;
    const from = at + BLOCK;
    const path = text(NAME);
    if (FILE.has(text(KIND)) && path.split('/').at(-1) === name) {
      return from + size <= archive.byteLength ? archive.subarray(from, from + size) : undefined;
    }
    at = from + Math.ceil(size / BLOCK) * BLOCK;
  }
  return undefined;
}
