import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { EngineError } from '../error/engine-error.ts';
import type { OperatorNews, OperatorOrder } from '../operator/worker.ts';

export interface OperatorWorker {
  /** Where the console is; undefined if there is none. */
  readonly url: string | undefined;
  stop(): Promise<void>;
}

/** Runs the operator plane in a thread of its own, so that a slow search never delays a message. */
export async function startOperatorPlane(order: OperatorOrder): Promise<OperatorWorker> {
  const worker = new Worker(new URL(`../operator/worker${ownExtension()}`, import.meta.url), {
    workerData: order,
    execArgv: process.execArgv,
  });
  const [news] = (await once(worker, 'message')) as [OperatorNews];
  if (news.kind === 'failed') {
    throw new EngineError('STORE_UNAVAILABLE', `the operator plane did not start: ${news.text}`);
  }
  return {
    url: news.kind === 'ready' ? news.url : undefined,
    async stop() {
      const ended = once(worker, 'exit');
      worker.postMessage({ kind: 'stop' });
      await ended;
    },
  };
}

/** `.ts` from a clone, `.js` from the package: the worker's file is named at run time. */
function ownExtension(): string {
  return import.meta.url.endsWith('.ts') ? '.ts' : '.js';
}
