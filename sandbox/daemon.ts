import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { EngineError } from '../src/error/engine-error.ts';

/** Milliseconds that a server has to answer on its port, and to end. */
const COME_UP = 45_000;
const GO_DOWN = 3_000;

/** A server process of the sandbox. It does not keep this process alive. */
export interface Daemon {
  readonly pid: number;
  /** Ends it and everything it started; resolves once it is gone. */
  stop(): Promise<void>;
}

export interface DaemonStart {
  readonly program: string;
  readonly args: readonly string[];
  /** Where its output goes: a daemon that kept our own open would block a process waiting for our end. */
  readonly log: string;
  /** The port of 127.0.0.1 on which it will answer. */
  readonly port: number;
  /** Milliseconds until it must answer. Default: 45 s. */
  readonly within?: number;
}

/** Starts a server in the foreground and waits until it answers. Throws NOT_FOUND, with the end of its log, if it does not. */
export async function startDaemon({
  program,
  args,
  log,
  port,
  within = COME_UP,
}: DaemonStart): Promise<Daemon> {
  const child = await spawned(program, args, log);
  const { pid } = child;
  const daemon = { pid: pid ?? 0, stop: () => stopped(child) };
  const end = Date.now() + within;
  while (pid !== undefined && child.exitCode === null && Date.now() < end) {
    if (await answers(port)) return daemon;
    await sleep(10);
  }
  await daemon.stop();
  const said = (await readFile(log, 'utf8')).trim().split('\n').slice(-3).join(' / ');
  throw new EngineError('NOT_FOUND', `${program} did not come up on port ${port}: ${said}`);
}

async function spawned(
  program: string,
  args: readonly string[],
  log: string,
): Promise<ChildProcess> {
  await using output = await open(log, 'a');
  // vsftpd reports a broken configuration only to its standard input.
  await using input = await open(log, 'a+');
  const child = spawn(program, args, { stdio: [input.fd, output.fd, output.fd] });
  child.on('error', () => undefined);
  child.unref();
  return child;
}

async function stopped(child: ChildProcess): Promise<void> {
  const { pid } = child;
  if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const family = await descendants(pid);
  const ended = once(child, 'exit');
  child.ref();
  signal(pid, 'SIGTERM');
  const late = sleep(GO_DOWN, 'late', { ref: false });
  if ((await Promise.race([ended, late])) === 'late') signal(pid, 'SIGKILL');
  await ended;
  // Processes of single connections outlive their parent, and stopped ones survive a SIGTERM.
  for (const one of family) signal(one, 'SIGKILL');
  // those of Postfix listen on its ports until they are gone
  const end = Date.now() + GO_DOWN;
  for (const one of family) while (Date.now() < end && (await runs(one))) await sleep(10);
}

/** Whether a process runs: one that has ended has nothing open any more, collected or not. Only on Linux, otherwise false. */
async function runs(pid: number): Promise<boolean> {
  // it is gone
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return text !== '' && !/^\d+ \(.*\) [ZX] /s.test(text);
}

/** Sends a signal to a process that may be gone. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended by itself.
  }
}

/** The descendants of a process, nearest first. Only on Linux, otherwise none. */
export async function descendants(pid: number): Promise<readonly number[]> {
  const found: number[] = [];
  const waiting = [pid];
  for (let at = waiting.shift(); at !== undefined; at = waiting.shift()) {
    // it has ended meanwhile
    const text = await readFile(`/proc/${at}/task/${at}/children`, 'utf8').catch(() => '');
    const children = text.split(' ').flatMap((one) => (one === '' ? [] : [Number(one)]));
    found.push(...children);
    waiting.push(...children);
  }
  return found;
}

/** Whether anything accepts connections on a port of 127.0.0.1. */
export async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    // refused: nobody listens
    return false;
  } finally {
    socket.destroy();
  }
}
