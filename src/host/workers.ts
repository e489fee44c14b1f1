import type { EndOrder } from '../flow/end-message.ts';
import type { QueueWorker } from './queue-worker.ts';

/** The workers of one host: one per stream of its queue, and temporarily those of other lines. */
export class Workers {
  readonly #workers = new Set<QueueWorker>();

  /** Messages being worked on now. */
  get inFlight(): number {
    let sum = 0;
    for (const worker of this.#workers) sum += worker.inFlight;
    return sum;
  }

  /** @returns stops this one again, and resolves once it has; `limit` in milliseconds */
  start(worker: QueueWorker): (limit: number) => Promise<void> {
    this.#workers.add(worker);
    worker.start();
    return async (limit) => {
      await worker.stop(limit);
      this.#workers.delete(worker);
    };
  }

  /** From now on nothing more is taken or started. */
  halt(): void {
    for (const worker of this.#workers) worker.halt();
  }

  /** Stops all of them; what is not done after `limit` milliseconds stays in its queue. */
  async stop(limit: number): Promise<void> {
    const workers = [...this.#workers];
    await Promise.all(workers.map((worker) => worker.stop(limit)));
    for (const worker of workers) this.#workers.delete(worker);
  }

  /** Whether one of them was working on the message and ended it. */
  async end(id: number, order: EndOrder): Promise<boolean> {
    const ended = await Promise.all([...this.#workers].map((worker) => worker.end(id, order)));
    return ended.includes(true);
  }
}
