import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Durability } from '../src/broker/embedded/nats-server.ts';

/** A real `waybill run`, in a process of its own, with its embedded NATS and its trace. */
export interface EngineProcess {
  /** Milliseconds from the start of the process to the first accepted connection. */
  readonly startMs: number;
  /** CPU seconds of the engine and its nats-server so far. */
  cpuSeconds(): number;
  /** Resident memory of the engine, without its nats-server. */
  rssMiB(): number;
  /** Its data folder. */
  readonly data: string;
  stop(): Promise<void>;
}

export async function engineProcess({
  production,
  durability,
  environment,
  ports,
  consoleAt = 'off',
}: {
  production: string;
  durability: Durability;
  environment: Readonly<Record<string, string>>;
  ports: readonly number[];
  /** Where its console listens; off by default. */
  consoleAt?: string;
}): Promise<EngineProcess> {
  const data = await mkdtemp(join(tmpdir(), 'waybill-bench-'));
  const began = performance.now();
  const child = spawn(
    process.execPath,
    [
      // as `waybill` starts it
      '--max-semi-space-size=8',
      '--no-parallel-scavenge',
      '--conditions=waybill-source',
      join(import.meta.dirname, '../src/main.ts'),
      'run',
      production,
      '--data',
      data,
      '--durability',
      durability,
      '--metrics',
      'off',
      '--console',
      consoleAt,
      '--log-level',
      'error',
    ],
    { env: { ...process.env, ...environment }, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  for (const port of ports) await untilOpen(port, child, () => said);
  const startMs = Math.round(performance.now() - began);
  const nats = (JSON.parse(readFileSync(join(data, 'nats.json'), 'utf8')) as { pid: number }).pid;
  return {
    data,
    startMs,
    cpuSeconds: () => cpuOf(child.pid ?? 0) + cpuOf(nats),
    rssMiB: () => rssOf(child.pid ?? 0),
    async stop() {
      child.kill('SIGTERM');
      await once(child, 'exit');
      await rm(data, { recursive: true, force: true });
    },
  };
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

const TICKS = 100;

/** utime and stime of /proc/<pid>/stat, in seconds; 0 where there is no /proc. */
function cpuOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) / TICKS;
  } catch {
    return 0;
  }
}

function rssOf(pid: number): number {
  try {
    const line = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return Math.round(Number(line?.[1] ?? 0) / 1024);
  } catch {
    return 0;
  }
}
