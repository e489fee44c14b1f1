import { setPriority } from 'node:os';
import { type MessagePort, Worker } from 'node:worker_threads';
import { beforeCode } from '../definition/load-module.ts';
import { background } from '../error/background.ts';
import { after, type Timer } from '../time/timer.ts';

/** Milliseconds that a thread without work is kept. */
const KEPT = 30_000;

/** What a thread says before it runs code of a production; nothing that the code itself says comes earlier. */
export interface CodeNotice {
  readonly runsCode: true;
}

/**
 * Threads of one module, each with a heap of its own. One that is given back serves the next task: loading its
 * modules takes most of the time of a short one.
 */
export interface SpareThreads {
  take(): Worker;
  /** For a thread that has answered everything. One that ran code of a production is ended, since that may have left anything behind. */
  giveBack(worker: Worker): Promise<void>;
  stop(): Promise<void>;
}

export interface ThreadOptions {
  /** Its name beside this file, without extension. */
  readonly module: string;
  readonly megabytes: number;
  /** Milliseconds. */
  readonly kept?: number;
}

export function spareThreads({ module, megabytes, kept = KEPT }: ThreadOptions): SpareThreads {
  const spare = new Map<Worker, Timer>();
  const ranCode = new WeakSet<Worker>();
  let isStopped = false;
  const forget = (worker: Worker): void => {
    spare.get(worker)?.stop();
    spare.delete(worker);
  };
  const end = async (worker: Worker): Promise<void> => {
    forget(worker);
    await worker.terminate();
  };
  const begin = (): Worker => {
    const worker = started(module, megabytes);
    worker.on('message', (told: object) => 'runsCode' in told && ranCode.add(worker));
    worker.once('exit', () => forget(worker));
    return worker;
  };
  return {
    take() {
      const worker = [...spare.keys()].at(-1) ?? begin();
      forget(worker);
      return worker;
    },
    async giveBack(worker) {
      if (isStopped || ranCode.has(worker)) return await end(worker);
      const idle = (): void => background(end(worker), 'ending a thread without work');
      spare.set(worker, after(kept, idle, { ref: false }));
    },
    async stop() {
      isStopped = true;
      await Promise.all([...spare.keys()].map(end));
    },
  };
}

function started(module: string, megabytes: number): Worker {
  const fromSource = import.meta.url.endsWith('.ts');
  const worker = new Worker(new URL(`${module}${fromSource ? '.ts' : '.js'}`, import.meta.url), {
    resourceLimits: { maxOldGenerationSizeMb: megabytes },
  });
  worker.unref();
  // `exit` follows, which tells whoever waits
  worker.on('error', () => undefined);
  return worker;
}

/** Yields to the engine's thread, as the operator plane does. */
const NICENESS = 10;

/** Called by a module of such threads before it does anything else. */
export function beginSpareThread(port: MessagePort): void {
  if (process.platform === 'linux') setPriority(0, NICENESS);
  beforeCode(() => port.postMessage({ runsCode: true } satisfies CodeNotice));
}
