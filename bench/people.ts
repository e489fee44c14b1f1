import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

export interface People {
  /** Milliseconds that each of their requests took, by what it asked for. */
  leave(): Promise<ReadonlyMap<string, readonly number[]>>;
}

/** Simulated users of a console, in a thread of their own: searchers.ts. */
export function people(asked: {
  /** Address of the API, with a slash at its end. */
  readonly api: string;
  readonly token: string;
  readonly searchers: number;
  readonly what: 'searches' | 'pages';
}): People {
  const worker = new Worker(new URL('searchers.ts', import.meta.url), { workerData: asked });
  return {
    async leave() {
      worker.postMessage('stop');
      const [took] = (await once(worker, 'message')) as [Map<string, number[]>];
      return took;
    },
  };
}
