import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { ConsoleSettings } from '../access/sign-in/console-settings.ts';
import { background } from '../error/background.ts';
import { describeError, EngineError, toldError } from '../error/engine-error.ts';
import { unexpected } from '../error/unexpected.ts';
import type { LoggedEvent } from '../log/logger.ts';
import type { OperatorNews, OperatorOrder } from '../plane/worker.ts';
import { retryDelay } from '../time/back-off.ts';
import { Deadline } from '../time/deadline.ts';

export interface OperatorWorker {
  /** Where the console is; undefined if there is none. */
  readonly url: string | undefined;
  /** Whether it works now; false while it is being restarted. */
  readonly isUp: boolean;
  /** Ends it in an orderly way; after this many milliseconds, at once. */
  stop(limit?: number): Promise<void>;
}

export interface OperatorWorkerOptions {
  /** Called when the thread has failed and is restarted. */
  readonly onFailure?: (reason: string) => void;
  /** Called with each warning and error of the thread, to be counted. */
  readonly onEvent?: (event: LoggedEvent) => void;
  /** Called with the console's address each time it begins to listen. */
  readonly onUrl?: (url: string, firstCode: string | undefined) => void;
  /** Also retries a first start that fails, since messages already flow; otherwise its error is thrown. */
  readonly goOn?: boolean;
  /** The module of the thread. */
  readonly module?: URL;
}

const AGAIN = { every: 500, for: Number.POSITIVE_INFINITY, backoff: 2, max: 30_000 };

/** Milliseconds after which a thread that fails is restarted as if it were the first time. */
const STEADY = 60_000;

/** Milliseconds that its end may take: what it has not written to the trace stays in the streams. */
const ENDING = 10_000;

/**
 * Runs the operator plane in a thread of its own, so that a slow search never delays a message. A
 * thread that fails costs no message either: it is restarted and catches up. An order that is a
 * function is called at each start.
 */
// oxlint-disable-next-line max-lines-per-function -- a factory: its closures share the state above them
export async function startOperatorPlane(
  order: OperatorOrder | (() => Promise<OperatorOrder>),
  options: OperatorWorkerOptions = {},
): Promise<OperatorWorker> {
  const { onFailure, onEvent, onUrl, goOn = false, module = ownModule() } = options;
  let stopping = false;
  let current: Worker | undefined;
  let url: string | undefined;
  let held: ConsoleSettings | undefined;
  let attempt = 0;
  const start = async (): Promise<void> => {
    const asked = typeof order === 'function' ? await order() : order;
    const { console } = asked;
    const now = console === undefined ? asked : { ...asked, console: { ...console, held } };
    const { worker, url: at, firstCode, settings } = await started(now, module, onEvent);
    held = settings;
    current = worker;
    url = at;
    if (at !== undefined) onUrl?.(at, firstCode);
    // without a listener, the error of a thread ends the whole process
    let failed: unknown;
    worker.on('error', (error) => {
      failed = error;
      unexpected('running the operator plane', error);
    });
    const began = performance.now();
    worker.once('exit', (code) => {
      current = undefined;
      if (stopping) return;
      onFailure?.(describeError(failed ?? endedWith(code)).text);
      if (performance.now() - began > STEADY) attempt = 0;
      background(restart(), 'restarting the operator plane');
    });
    // it was stopped while it started
    if (stopping) worker.postMessage({ kind: 'stop' });
  };
  const restart = async (): Promise<void> => {
    while (!stopping) {
      attempt += 1;
      await sleep(retryDelay(AGAIN, attempt), undefined, { ref: false });
      if (stopping) return;
      try {
        await start();
        return;
      } catch (error) {
        onFailure?.(describeError(error).text);
      }
    }
  };
  try {
    await start();
  } catch (error) {
    if (!goOn) throw error;
    onFailure?.(describeError(error).text);
    background(restart(), 'restarting the operator plane');
  }
  return {
    get url() {
      return url;
    },
    get isUp() {
      return current !== undefined;
    },
    async stop(limit = ENDING) {
      stopping = true;
      const worker = current;
      if (worker === undefined) return;
      const ended = once(worker, 'exit');
      worker.postMessage({ kind: 'stop' });
      const inTime = await new Deadline(limit).within('ending the operator plane', ended);
      if (!inTime) await worker.terminate();
    },
  };
}

async function started(
  order: OperatorOrder,
  module: URL,
  onEvent: OperatorWorkerOptions['onEvent'],
): Promise<{
  readonly worker: Worker;
  readonly url: string | undefined;
  readonly firstCode: string | undefined;
  readonly settings: ConsoleSettings | undefined;
}> {
  const worker = new Worker(module, { workerData: order });
  const news = await new Promise<OperatorNews>((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', (code) => reject(endedWith(code)));
    worker.on('message', (told: OperatorNews) => {
      if (told.kind === 'event') onEvent?.({ event: told.event, host: told.host });
      else resolve(told);
    });
  });
  if (news.kind === 'failed') {
    const text = `the operator plane did not start: ${news.text}`;
    throw toldError({ code: news.code, text, retryable: false }, 'STORE_UNAVAILABLE');
  }
  const { url, firstCode, settings } = news.kind === 'ready' ? news : {};
  return { worker, url, firstCode, settings };
}

/** Something in the thread ended it without an error, or the system did. */
const endedWith = (code: number): EngineError =>
  new EngineError('STORE_UNAVAILABLE', `the thread of the operator plane ended with code ${code}`, {
    retryable: true,
  });

/** `.ts` in a clone, `.js` in the package: the worker's file is named at run time. */
function ownModule(): URL {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  return new URL(`../plane/worker${extension}`, import.meta.url);
}
