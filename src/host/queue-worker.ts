import { setTimeout as sleep } from 'node:timers/promises';
import type { ConsumerMessages } from '@nats-io/jetstream';
import type { Bodies } from '../broker/bodies.ts';
import type { Broker } from '../broker/broker.ts';
import { WORKER } from '../broker/names.ts';
import { type Taken, takenFrom } from '../broker/queue.ts';
import { ACKNOWLEDGE_WAIT } from '../broker/streams.ts';
import type { SettledMemory } from '../flow/settled-memory.ts';

export interface QueueWorkerParts {
  readonly broker: Broker;
  readonly bodies: Bodies;
  readonly stream: string;
  readonly settled: SettledMemory;
  /** Works on one message; resolves when the next of the slot may be taken on. Rejects only when the signal aborts. */
  readonly handle: (taken: Taken, signal: AbortSignal) => Promise<void>;
}

/**
 * Takes messages from one queue stream. How many at once is the server's doing (`max_ack_pending` of
 * the consumer): this only works on what it is given, tells the server that it is alive, and gives
 * back what it cannot finish.
 */
export class QueueWorker {
  readonly #parts: QueueWorkerParts;
  readonly #stop = new AbortController();
  readonly #inFlight = new Map<Promise<void>, Taken>();
  #messages: ConsumerMessages | undefined;
  #stopping = false;
  #loop: Promise<void> | undefined;

  constructor(parts: QueueWorkerParts) {
    this.#parts = parts;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  start(): void {
    this.#loop = this.#consume();
  }

  /** Consumes until stopped; a consumer that ended (deleted, server lost) is sought again. */
  async #consume(): Promise<void> {
    const { broker, stream } = this.#parts;
    const beat = this.#heartbeat();
    while (!this.#stopping) {
      try {
        const consumer = await broker.jetstream.consumers.get(stream, WORKER);
        if (this.#stopping) break;
        this.#messages = await consumer.consume({
          max_messages: 500,
          callback: (raw) => this.#take(takenFrom(raw, this.#parts.bodies)),
        });
        await this.#messages.closed();
      } catch {
        // the server or the stream is away for the moment; nothing is lost, the queue keeps it
      }
      if (!this.#stopping) await sleep(100);
    }
    await beat;
  }

  #take(taken: Taken): void {
    if (this.#stopping) return taken.giveBack();
    if (this.#parts.settled.has(taken.message.id)) return taken.acknowledge();
    const work = this.#parts.handle(taken, this.#stop.signal).catch(() => taken.giveBack());
    this.#inFlight.set(work, taken);
    void work.finally(() => this.#inFlight.delete(work));
  }

  async #heartbeat(): Promise<void> {
    while (!this.#stopping || this.#inFlight.size > 0) {
      await sleep(ACKNOWLEDGE_WAIT / 4, undefined, {
        ref: false,
        signal: this.#beatStop.signal,
      }).catch(() => undefined);
      if (this.#beatStop.signal.aborted) return;
      for (const taken of this.#inFlight.values()) taken.working();
    }
  }
  readonly #beatStop = new AbortController();

  /** Takes nothing more, waits up to `limit` milliseconds for what is in flight, then gives the rest back. */
  async stop(limit: number): Promise<void> {
    this.#stopping = true;
    const messages = this.#messages;
    messages?.stop();
    const done = Promise.all(this.#inFlight.keys());
    const given = new AbortController();
    await Promise.race([
      done,
      sleep(limit, undefined, { signal: given.signal }).catch(() => undefined),
    ]);
    given.abort();
    this.#stop.abort();
    await Promise.all(this.#inFlight.keys());
    this.#beatStop.abort();
    await this.#loop;
  }
}
