import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inSources, ofSources, program } from './program.ts';

const MAIN = 'src/main.ts';

export interface EngineOptions {
  readonly production: string;
  readonly data: string;
  /** Ports that must be open before it is considered started. */
  readonly ports: readonly number[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly arguments?: readonly string[];
  /** The operator plane beside the engine, for what is about the trace or the console: it takes as long to start as the engine. */
  readonly plane?: boolean;
  /** Read module by module: for what is about them. */
  readonly byModule?: boolean;
}

/** A `waybill run` in its own process, which can be killed. */
export interface EngineProcess extends AsyncDisposable {
  readonly pid: number;
  /** Whether it has ended, by itself or by a signal. */
  readonly ended: boolean;
  /** Its standard error: log and messages. */
  readonly output: () => string;
  natsPid(): Promise<number>;
  kill(): Promise<void>;
  stop(): Promise<void>;
}

export async function startEngineProcess(options: EngineOptions): Promise<EngineProcess> {
  const { production, data, ports, plane = false, byModule = false } = options;
  const words = byModule ? ofSources : program;
  const child = spawn(
    process.execPath,
    await words(
      MAIN,
      'run',
      production,
      '--data',
      data,
      '--metrics',
      'off',
      '--console',
      'off',
      '--role',
      plane ? 'all' : 'engine',
      ...(options.arguments ?? []),
    ),
    { env: { ...process.env, ...options.environment }, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const closed = once(child, 'close');
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  };
  try {
    for (const port of ports) await untilOpen(port, child);
  } catch (error) {
    // nobody else could end it
    await end('SIGKILL');
    // its last words come after its end
    await Promise.race([closed, sleep(2_000)]);
    throw new Error(`${(error as Error).message}: ${inSources(output)}`, { cause: error });
  }
  return {
    pid: child.pid ?? 0,
    get ended() {
      return child.exitCode !== null || child.signalCode !== null;
    },
    output: () => inSources(output),
    async natsPid() {
      const state = JSON.parse(await readFile(join(data, 'nats.json'), 'utf8')) as { pid: number };
      return state.pid;
    },
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    [Symbol.asyncDispose]: () => end('SIGTERM'),
  };
}

async function untilOpen(port: number, child: ChildProcess): Promise<void> {
  for (let waited = 0; waited < 120_000; waited += 20) {
    if (child.exitCode !== null) throw new Error(`the engine ended at once (${child.exitCode})`);
    const socket = connect(port, '127.0.0.1');
    const open = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (open) return;
    await sleep(20);
  }
  throw new Error(`the engine does not listen on ${port}`);
}

/** Runs a command of the command line and returns what it printed. */
export async function waybill(
  ...words: readonly string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, await program(MAIN, ...words), {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code: code ?? 1, stdout, stderr: inSources(stderr) };
}
