import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { describeError, EngineError } from '../../error/engine-error.ts';
import { fetchNatsRelease, NATS_DOWNLOADS, type NatsArchive } from './nats-release.ts';

const run = promisify(execFile);

/** The first version with consumers of several subjects, which the trace needs. */
const OLDEST = [2, 10] as const;
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

/** Why a program cannot be used; undefined if it can. */
async function misfit(file: string): Promise<string | undefined> {
  let said: string;
  try {
    said = (await run(file, ['--version'], { timeout: 10_000 })).stdout.trim();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return `${file} cannot be run (${code ?? 'it failed'})`;
  }
  const [, major, minor] = /nats-server: v(\d+)\.(\d+)\./.exec(`${said}.`) ?? [];
  if (major === undefined) return `${file} is not a nats-server`;
  const [oldMajor, oldMinor] = OLDEST;
  const isOld =
    Number(major) < oldMajor || (Number(major) === oldMajor && Number(minor) < oldMinor);
  return isOld ? `${file} is version ${major}.${minor}, older than ${OLDEST.join('.')}` : undefined;
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
    throw notFound([...unfit], false);
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
  throw notFound([`${why}, although WAYBILL_NATS_SERVER names it`], false);
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
    throw notFound([...unfit, text], retryable);
  }
  throw notFound([...unfit], false);
}

function notFound(why: readonly string[], retryable: boolean): EngineError {
  const reasons = why.length === 0 ? '' : ` (${why.join('; ')})`;
  return new EngineError('BROKER_UNAVAILABLE', `no nats-server can be used${reasons}. ${BY_HAND}`, {
    retryable,
  });
}
