import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { connect as connectSocket, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { background } from '../../error/background.ts';
import { describeError, EngineError } from '../../error/engine-error.ts';
import { isSystemError, isTold, toldElsewhere, tolerate, unless } from '../../error/foreseen.ts';
import { pause } from '../../time/pause.ts';
import { findNatsServer } from './nats-binary.ts';
import { doneBy, hangs, Patience } from './server-life.ts';

/**
 * What an acknowledged message survives. `power-loss`: everything. `last-seconds`: the crash of any
 * process, and a power failure except for what was acknowledged within the last two seconds.
 * `process-crash`: the crash of any process, and a power failure except for what the system had not
 * yet written: minutes of messages, including their order.
 */
export const DURABILITIES = ['power-loss', 'last-seconds', 'process-crash'] as const;
export type Durability = (typeof DURABILITIES)[number];

/** How often JetStream syncs its files; its own default is two minutes. */
const SYNC: Readonly<Record<Durability, string>> = {
  'power-loss': 'sync_interval: always',
  'last-seconds': 'sync_interval: "2s"',
  'process-crash': '',
};

/** How to reach a NATS server; also the content of `<data>/nats.json`, which the command line reads. */
export interface NatsAccess {
  readonly url: string;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
}

export interface NatsServer extends NatsAccess, AsyncDisposable {
  readonly pid: number | undefined;
  /** Stops the server and waits for it. */
  /** Shuts it down cleanly; kills it after `limit` milliseconds. */
  stop(limit?: number): Promise<void>;
}

export interface NatsServerOptions {
  /** The folder for JetStream's files, the server's configuration and its log. */
  readonly data: string;
  readonly durability?: Durability;
  /** Called when the server died and is being restarted. */
  readonly onRestart?: (reason: string) => void;
  readonly say?: (text: string) => void;
  /** Milliseconds between two looks whether it still answers, and for one answer. */
  readonly looks?: { readonly every: number; readonly answer: number };
}

const LOOKED_AT = { every: 2_000, answer: 3_000 };

/**
 * Percent by which the server's heap may grow beyond what is in use before it is collected; Go's
 * own default is 100, so that half of the heap is garbage. With 25 the server takes 10 MB less than with 50, and as
 * much processor time: most of its heap is blocks without pointers. A value in the environment takes precedence.
 */
const GOGC = '25';

/** How many ports are tried at a start. */
const PORTS_TRIED = 3;

interface State extends NatsAccess {
  readonly pid: number;
}

/**
 * Starts Waybill's own nats-server: loopback, free port, random password, JetStream under `data`.
 * If it dies, or hangs, it is restarted on the same port, so clients reconnect by themselves. A server left
 * behind in the same folder by an earlier engine (kill -9) is stopped first.
 */
// oxlint-disable-next-line max-lines-per-function -- a factory: its closures share the state above them
export async function startNatsServer(options: NatsServerOptions): Promise<NatsServer> {
  const { data, durability = 'power-loss', looks = LOOKED_AT } = options;
  const binary = await findNatsServer({ say: options.say });
  await mkdir(join(data, 'jetstream'), { recursive: true, mode: 0o700 });
  await endLeftover(data);

  const user = 'waybill';
  const password = randomBytes(24).toString('base64url');
  // distinguishes it from another server that took the same port first
  const name = `waybill-${randomBytes(6).toString('hex')}`;
  const configuration = join(data, 'nats.conf');
  let port = 0;
  let url = '';

  const stopping = new AbortController();
  const patience = new Patience();
  let restarting = Promise.resolve();
  let child: ChildProcess;
  const launch = async (): Promise<void> => {
    const log = openSync(join(data, 'nats.log'), 'a', 0o600);
    const [command, ...words] = endsWithParent(privately([binary, '-c', configuration]));
    // a process group of its own: Ctrl-C at a terminal is meant for the engine, which stops its
    // server last
    const launched = spawn(command, words, {
      // where it writes what it has no place for, such as the state of a consumer that is being removed
      cwd: data,
      stdio: ['ignore', log, log],
      env: { GOGC, ...environment() },
      detached: true,
    });
    closeSync(log);
    child = launched;
    await once(launched, 'spawn');
    if (stopping.signal.aborted) {
      launched.kill('SIGTERM');
      return;
    }
    const state: State = { url, user, password, pid: launched.pid ?? 0 };
    await writeState(data, state);
    await untilReady({ port, name }, launched, options);
    const ended = (): void => {
      if (stopping.signal.aborted) return;
      options.onRestart?.(`nats-server ended (${launched.signalCode ?? launched.exitCode})`);
      restarting = restart();
      background(restarting, 'starting nats-server again');
    };
    if (hasEnded(launched)) return ended();
    const gone = new AbortController();
    launched.once('exit', () => {
      gone.abort();
      ended();
    });
    const signal = AbortSignal.any([stopping.signal, gone.signal]);
    background(endIfHung(launched, signal), 'watching nats-server');
  };
  const endIfHung = async (launched: ChildProcess, signal: AbortSignal): Promise<void> => {
    const watched = {
      answers: () => greets({ port, name }, looks.answer),
      done: () => doneBy(launched.pid ?? 0),
    };
    if (!(await hangs(watched, { patience, every: looks.every, signal }))) return;
    patience.lost();
    options.onRestart?.('nats-server runs but does not answer any more: it is ended');
    launched.kill('SIGKILL');
  };
  const restart = async (): Promise<void> => {
    for (let tries = 0; !stopping.signal.aborted; tries++) {
      try {
        return await launch();
      } catch (error) {
        // its port may be taken or its disk full: it is restarted until it stays up
        tolerate(error, isTold, 'starting nats-server again');
        if (stopping.signal.aborted) return;
        options.onRestart?.(`nats-server cannot be started again: ${describeError(error).text}`);
        await pause(Math.min(100 * 2 ** tries, 5_000), stopping.signal);
      }
    }
  };
  for (let tries = 1; ; tries++) {
    port = await freePort();
    url = `nats://127.0.0.1:${port}`;
    const text = configurationText({ data, port, name, user, password, durability });
    await writeFile(configuration, text, { mode: 0o600 });
    try {
      await launch();
      break;
    } catch (error) {
      // another process may have taken the port meanwhile
      if (tries === PORTS_TRIED) throw error;
    }
  }

  const stop = async (limit = ENDING): Promise<void> => {
    if (stopping.signal.aborted) return;
    stopping.abort();
    await endGently(child, limit);
    // one that was just being started again
    await restarting.catch(toldElsewhere);
    await endGently(child, limit);
    await rm(join(data, 'nats.json'), { force: true });
  };
  return {
    url,
    user,
    password,
    get pid() {
      return child.pid;
    },
    stop,
    [Symbol.asyncDispose]: () => stop(),
  };
}

/** Milliseconds that a clean shutdown may take. */
const ENDING = 10_000;

async function endGently(child: ChildProcess, limit: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const forced = setTimeout(() => child.kill('SIGKILL'), limit);
  await once(child, 'exit');
  clearTimeout(forced);
}

/** Written in one step, since the command line may read it at any moment. */
async function writeState(data: string, state: State): Promise<void> {
  const temporary = join(data, 'nats.json.new');
  await writeFile(temporary, JSON.stringify(state), { mode: 0o600 });
  await rename(temporary, join(data, 'nats.json'));
}

const SHELL = '/bin/sh';
/** Started by somebody else than its first argument: this engine was killed while it started its server. */
const PRIVATELY = 'umask 077; [ "$PPID" = "$0" ] || exit 1; exec "$@"';

/**
 * Makes the server create its files for its user alone. The umask of this process is unchanged: an
 * adapter's files get the permissions chosen by the user who started Waybill. A server whose engine is killed before
 * `setpriv` has bound it to that one does not begin: it would write into the folder beside the next engine's.
 */
function privately(command: readonly [string, ...string[]]): readonly [string, ...string[]] {
  if (!existsSync(SHELL)) return command;
  return [SHELL, '-c', PRIVATELY, String(process.pid), ...command];
}

/** `setpriv` of util-linux. */
const SETPRIV = '/usr/bin/setpriv';

/** What a server in Go and the system below it look at. The engine's environment has secrets, which are none of its business. */
const ITS_ENVIRONMENT =
  /^(?:PATH|HOME|USERPROFILE|TMPDIR|TEMP|TMP|TZ|LANG|LC_\w+|LD_LIBRARY_PATH|GO(?:GC|MAXPROCS|MEMLIMIT|DEBUG|TRACEBACK)|SYSTEMROOT|WINDIR|COMSPEC)$/i;

const environment = (): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => ITS_ENVIRONMENT.test(name)));

/** Lets the kernel kill the server when the engine is killed; where this is not possible, the next start does it. */
function endsWithParent(command: readonly [string, ...string[]]): readonly [string, ...string[]] {
  if (process.platform !== 'linux' || !existsSync(SETPRIV)) return command;
  return [SETPRIV, '--pdeathsig', 'TERM', '--', ...command];
}

function configurationText(of: {
  data: string;
  port: number;
  name: string;
  user: string;
  password: string;
  durability: Durability;
}): string {
  return `# written by waybill at each start
listen: "127.0.0.1:${of.port}"
server_name: "${of.name}"
max_payload: 4MB
max_pending: 256MB
jetstream {
  store_dir: ${JSON.stringify(join(of.data, 'jetstream'))}
  max_memory_store: 64MB
  max_file_store: 10TB
  ${SYNC[of.durability]}
}
authorization { timeout: 30, user: "${of.user}", password: "${of.password}" }
`;
}

/** How the running engine of this data folder reaches its NATS; undefined if none was started there. */
export async function readNatsState(
  data: string,
): Promise<(NatsAccess & { pid: number }) | undefined> {
  try {
    return JSON.parse(await readFile(join(data, 'nats.json'), 'utf8')) as State;
  } catch (error) {
    // none was started there, or the file is not ours
    return tolerate(error, isNoState, `reading ${join(data, 'nats.json')}`);
  }
}

const isNoState = (error: unknown): boolean => isSystemError(error) || error instanceof SyntaxError;

/**
 * Stops the servers of this folder whose engine was killed, also one that was just being started. The caller has the
 * folder's lock, so no other engine is alive.
 */
async function endLeftover(data: string): Promise<void> {
  await signalled(data, 'SIGTERM');
  for (let waited = 0; waited < ENDING; waited += 20) {
    if ((await serversOf(data)).length === 0) return;
    await sleep(20);
  }
  await signalled(data, 'SIGKILL');
}

async function signalled(data: string, signal: NodeJS.Signals): Promise<void> {
  for (const pid of await serversOf(data)) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      // it has ended by now
      tolerate(error, isSystemError, 'ending a nats-server that was left behind');
    }
  }
}

/** The processes that serve a folder, or are about to; none where the system does not show them. */
async function serversOf(data: string): Promise<number[]> {
  const words = `\0-c\0${join(data, 'nats.conf')}\0`;
  const serves = async (pid: string): Promise<boolean> => {
    try {
      return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).includes(words);
    } catch (error) {
      // it has ended meanwhile
      return tolerate(error, isSystemError, 'looking for nats-server') ?? false;
    }
  };
  const pids = (await readdir('/proc').catch(unless(isSystemError, 'listing processes'))) ?? [];
  const found = await Promise.all(
    pids.map(async (pid) => (/^\d+$/.test(pid) && (await serves(pid)) ? [Number(pid)] : [])),
  );
  return found.flat();
}

/**
 * A port below the range that systems assign to outgoing connections, since one of those could be
 * taken while the server restarts. If a few of them are not free, any port is used.
 */
async function freePort(): Promise<number> {
  for (let tries = 0; tries < 10; tries++) {
    const port = randomInt(20_000, 32_000);
    if (await isFree(port)) return port;
  }
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  server.close();
  await once(server, 'close');
  return port;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch (error) {
    if (isSystemError(error)) return false;
    throw error;
  }
  server.close();
  await once(server, 'close');
  return true;
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean =>
  exitCode !== null || signalCode !== null;

/** Milliseconds for which a server that begins may do nothing. */
const NOTHING_DONE = 60_000;
/** Milliseconds between two looks at what it does. */
const LOOK = 1_000;
/** Milliseconds after which a person is told what is waited for, and again. */
const SAID = 10_000;

/**
 * Waits until the server sends its INFO line to clients, which it does once JetStream is recovered: after a crash it may
 * have to read all that is stored. So it has as long as it does something.
 */
async function untilReady(
  server: { readonly port: number; readonly name: string },
  child: ChildProcess,
  { data, say }: Pick<NatsServerOptions, 'data' | 'say'>,
): Promise<void> {
  const began = performance.now();
  let limit = began + NOTHING_DONE;
  let looked = began;
  let said = began;
  let done: string | undefined;
  while (performance.now() < limit) {
    if (hasEnded(child)) {
      throw new EngineError(
        'BROKER_UNAVAILABLE',
        `nats-server exited immediately (${child.signalCode ?? child.exitCode}); its log is ${join(data, 'nats.log')}`,
        { retryable: true },
      );
    }
    if (await greets(server, 1_000)) return;
    if (performance.now() - looked > LOOK) {
      looked = performance.now();
      const now = await doneBy(child.pid ?? 0);
      if (now !== undefined && now !== done) limit = looked + NOTHING_DONE;
      done = now;
    }
    if (performance.now() - said > SAID) {
      said = performance.now();
      say?.(
        `nats-server has been reading what it holds for ${Math.round((said - began) / 1_000)} s …`,
      );
    }
    await sleep(10);
  }
  child.kill('SIGKILL');
  throw new EngineError(
    'BROKER_UNAVAILABLE',
    `nats-server was not ready and has done nothing for ${NOTHING_DONE / 1_000} s; its log is ${join(data, 'nats.log')}`,
    { retryable: true },
  );
}

/** In so many steps an answer is waited for: of the time for which this process itself stands still only one counts. */
const STEPS = 10;

/** Undefined if this process cannot ask, as it may open no further file: that says nothing of the server. */
function greets(
  { port, name }: { readonly port: number; readonly name: string },
  limit: number,
): Promise<boolean | undefined> {
  return new Promise((resolve) => {
    const socket = connectSocket(port, '127.0.0.1');
    const end = (result: boolean | undefined): void => {
      clearTimeout(step);
      socket.destroy();
      resolve(result);
    };
    let left = STEPS;
    const step = setTimeout(() => {
      left -= 1;
      if (left === 0) end(false);
      else step.refresh();
    }, limit / STEPS);
    socket.once('data', (greeting) => end(greeting.includes(`"server_name":"${name}"`)));
    socket.once('error', (error) => end(isOfServer(error) ? false : undefined));
  });
}

const isOfServer = (error: Error): boolean => isSystemError(error, 'ECONNREFUSED', 'ECONNRESET');
