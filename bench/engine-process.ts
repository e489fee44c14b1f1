import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Durability } from '../src/broker/embedded/nats-server.ts';

/** Of the engine's process, including all its threads, and of its nats-server. */
export interface Usage {
  readonly engine: number;
  readonly nats: number;
}

/** A real `waybill run` in its own process, with its embedded NATS and its trace. */
export interface EngineProcess {
  /** Milliseconds from the start of the process to the first accepted connection. */
  readonly startMs: number;
  /** CPU seconds so far; 0 without /proc. */
  cpuSeconds(): Usage;
  /** Resident memory; 0 without /proc. */
  rssMiB(): Usage;
  /** Its data folder. */
  readonly data: string;
  stop(): Promise<void>;
}

/** The checkout that contains this file. */
const OWN = join(import.meta.dirname, '..');

export interface EngineOptions {
  readonly production: string;
  readonly durability: Durability;
  readonly environment: Readonly<Record<string, string>>;
  readonly ports: readonly number[];
  /** The address of its console; off by default. */
  readonly consoleAt?: string;
  /** Another NATS than its own, whose durability is not the engine's. */
  readonly nats?: string | undefined;
  /** Without the console's database and its projector. */
  readonly isOnlyEngine?: boolean;
  /** The checkout of the engine to start; this one by default. */
  readonly checkout?: string | undefined;
  /** Fills the data folder before the engine starts. */
  readonly prepare?: ((data: string) => Promise<void>) | undefined;
}

const running = new Set<EngineProcess>();

/** Stops every engine that is still running, for an interrupted run. */
export async function stopEngines(): Promise<void> {
  await Promise.all([...running].map((engine) => engine.stop()));
}

export async function engineProcess(options: EngineOptions): Promise<EngineProcess> {
  const main = join(resolve(options.checkout ?? OWN), 'src/cli/waybill.cjs');
  if (!existsSync(main)) throw new Error(`there is no checkout of Waybill: ${main} is missing`);
  const data = await mkdtemp(join(tmpdir(), 'waybill-bench-'));
  try {
    await options.prepare?.(data);
  } catch (error) {
    await rm(data, { recursive: true, force: true });
    throw error;
  }
  const began = performance.now();
  const child = start(main, data, options);
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    running.delete(engine);
    child.kill('SIGTERM');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    await rm(data, { recursive: true, force: true });
  };
  let pids: Pids = { engine: 0, nats: 0 };
  const engine = {
    data,
    startMs: 0,
    cpuSeconds: () => usage(pids, cpuOf),
    rssMiB: () => usage(pids, rssOf),
    stop: () => (stopping ??= stop()),
  };
  running.add(engine);
  try {
    for (const port of options.ports) await untilOpen(port, child, () => said);
    pids = options.nats === undefined ? pidsOf(data) : { engine: childOf(child.pid), nats: 0 };
  } catch (error) {
    await engine.stop();
    throw error;
  }
  engine.startMs = Math.round(performance.now() - began);
  return engine;
}

function start(main: string, data: string, options: EngineOptions): ChildProcess {
  const { production, durability, environment, consoleAt = 'off', nats, isOnlyEngine } = options;
  const flags = [
    ...(nats === undefined ? ['--durability', durability] : ['--nats', nats]),
    ...(isOnlyEngine === true ? ['--role', 'engine'] : []),
    '--metrics',
    'off',
    '--log-level',
    'error',
  ];
  return spawn(
    process.execPath,
    [main, 'run', production, '--data', data, '--console', consoleAt, ...flags],
    { env: { ...process.env, ...environment }, stdio: ['ignore', 'ignore', 'pipe'] },
  );
}

async function untilOpen(port: number, child: ChildProcess, said: () => string): Promise<void> {
  for (let waited = 0; waited < 30_000; waited += 10) {
    if (child.exitCode !== null) throw new Error(`the engine ended: ${said()}`);
    const socket = connect(port, '127.0.0.1');
    const open = await Promise.race([
      once(socket, 'connect').then(
        () => true,
        () => false,
      ),
      sleep(1_000, false),
    ]);
    socket.destroy();
    if (open) return;
    await sleep(10);
  }
  throw new Error(`the engine does not listen on ${port}: ${said()}`);
}

type Pids = Usage;

/**
 * The command line starts the engine as its child, which starts its nats-server and stores that
 * process id in the data folder.
 */
function pidsOf(data: string): Pids {
  const { pid } = JSON.parse(readFileSync(join(data, 'nats.json'), 'utf8')) as { pid: number };
  return { engine: Number(statOf(pid)[PARENT] ?? 0), nats: pid };
}

function childOf(pid = 0): number {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')[0]);
  } catch {
    // there is no /proc, or the process is gone
    return 0;
  }
}

function usage({ engine, nats }: Pids, of: (pid: number) => number): Usage {
  return { engine: of(engine), nats: of(nats) };
}

const TICKS = 100;
/** Positions in /proc/<pid>/stat after the name of the program. */
const PARENT = 1;
const USER_TIME = 11;
const SYSTEM_TIME = 12;

function statOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  } catch {
    // there is no /proc, or the process is gone
    return [];
  }
}

/** CPU seconds of a process since it began; 0 if there is no /proc. */
export function cpuOf(pid: number): number {
  const fields = statOf(pid);
  return (Number(fields[USER_TIME] ?? 0) + Number(fields[SYSTEM_TIME] ?? 0)) / TICKS;
}

function rssOf(pid: number): number {
  try {
    const line = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return Math.round(Number(line?.[1] ?? 0) / 1024);
  } catch {
    // there is no /proc, or the process is gone
    return 0;
  }
}
