import { Worker } from 'node:worker_threads';
import type { CheckedFiles } from '../definition/history/checked-files.ts';
import { ERROR_CODES, type ErrorCode } from '../error/codes.ts';
import { EngineError } from '../error/engine-error.ts';
import { after } from '../time/timer.ts';
import type { FilesCheck, FilesChecked } from './check-worker.ts';

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
      const worker = threadFor(files, limits);
      working.add(worker);
      try {
        return await answerOf(worker, limits);
      } finally {
        await worker.terminate();
        working.delete(worker);
        ended.resolve();
        ended = Promise.withResolvers();
      }
    },
    async stop() {
      stopped = true;
      await Promise.all([...working].map((worker) => worker.terminate()));
    },
  };
}

function threadFor(files: FilesCheck, { megabytes }: CheckLimits): Worker {
  const fromSource = import.meta.url.endsWith('.ts');
  const worker = new Worker(new URL(`check-worker${fromSource ? '.ts' : '.js'}`, import.meta.url), {
    workerData: files,
    resourceLimits: { maxOldGenerationSizeMb: megabytes },
    ...(fromSource && { execArgv: ['--conditions=waybill-source'] }),
  });
  worker.unref();
  return worker;
}

function answerOf(worker: Worker, { time }: CheckLimits): Promise<CheckedFiles> {
  const answer = Promise.withResolvers<CheckedFiles>();
  const late = after(time, () => answer.reject(stuck(`took longer than ${time / 1_000} s`)));
  worker.once('message', (told: FilesChecked) => {
    if ('result' in told) return answer.resolve(told.result);
    const { code, text, retryable } = told.failure;
    const known = isCode(code) ? code : 'CONFIG_INVALID';
    return answer.reject(new EngineError(known, text, { retryable }));
  });
  // `exit` follows
  worker.on('error', () => undefined);
  worker.once('exit', () => answer.reject(stuck('took too much memory, or ended its thread')));
  return answer.promise.finally(() => late.stop());
}

const busy = (text: string): EngineError =>
  new EngineError('REHEARSAL_BUSY', text, { retryable: true });

const stuck = (why: string): EngineError =>
  new EngineError(
    'REHEARSAL_STUCK',
    `checking these files ${why}. What runs was not touched: look for an endless loop in their code`,
  );

const isCode = (code: string): code is ErrorCode => Object.hasOwn(ERROR_CODES, code);
