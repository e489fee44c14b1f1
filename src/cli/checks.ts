import type { Worker } from 'node:worker_threads';
import type { CheckedFiles } from '../definition/history/checked-files.ts';
import { EngineError, toldError } from '../error/engine-error.ts';
import { after } from '../time/timer.ts';
import type { FilesCheck, FilesChecked } from './check-worker.ts';
import { type CodeNotice, spareThreads } from './spare-threads.ts';

export interface CheckLimits {
  /** Milliseconds for all of it. */
  readonly time: number;
  /** Memory that the code of the files may take. */
  readonly megabytes: number;
}

const LIMITS: CheckLimits = { time: 60_000, megabytes: 512 };
/** Checks at once: each holds two productions. */
const AT_ONCE = 2;
/** Others that wait for their turn. */
const WAITING = 8;

/** Checks files beside the engine: what loops or takes all memory there ends there. */
export interface FileChecks {
  check(files: FilesCheck): Promise<CheckedFiles>;
  stop(): Promise<void>;
}

export function fileChecks(limits: CheckLimits = LIMITS): FileChecks {
  const threads = spareThreads({ module: 'check-worker', megabytes: limits.megabytes });
  const working = new Set<Worker>();
  let ended = Promise.withResolvers<void>();
  let waiting = 0;
  let stopped = false;
  return {
    async check(files) {
      if (waiting >= WAITING) {
        throw busy('others are checking files just now: try again when they are done');
      }
      waiting++;
      while (working.size >= AT_ONCE) await ended.promise;
      waiting--;
      if (stopped) throw busy('the engine stops: try again when it runs');
      const worker = threads.take();
      working.add(worker);
      let told: FilesChecked | undefined;
      try {
        told = await answerOf(worker, files, limits);
        return resultOf(told);
      } finally {
        // one that has not answered may be in an endless loop
        await (told === undefined ? worker.terminate() : threads.giveBack(worker));
        working.delete(worker);
        ended.resolve();
        ended = Promise.withResolvers();
      }
    },
    async stop() {
      stopped = true;
      await Promise.all([...[...working].map((worker) => worker.terminate()), threads.stop()]);
    },
  };
}

async function answerOf(
  worker: Worker,
  files: FilesCheck,
  { time }: CheckLimits,
): Promise<FilesChecked> {
  const answer = Promise.withResolvers<FilesChecked>();
  const late = after(time, () => answer.reject(stuck(`took longer than ${time / 1_000} s`)));
  const ended = (): void => answer.reject(stuck('took too much memory, or ended its thread'));
  const heard = (told: FilesChecked | CodeNotice): void => {
    if (!('runsCode' in told)) answer.resolve(told);
  };
  worker.on('message', heard).once('exit', ended);
  try {
    worker.postMessage(files);
    return await answer.promise;
  } finally {
    late.stop();
    worker.off('message', heard).off('exit', ended);
  }
}

function resultOf(told: FilesChecked): CheckedFiles {
  if ('result' in told) return told.result;
  throw toldError(told.failure, 'CONFIG_INVALID');
}

const busy = (text: string): EngineError =>
  new EngineError('REHEARSAL_BUSY', text, { retryable: true });

const stuck = (why: string): EngineError =>
  new EngineError(
    'REHEARSAL_STUCK',
    `checking these files ${why}. What runs was not touched: look for an endless loop in their code`,
  );
