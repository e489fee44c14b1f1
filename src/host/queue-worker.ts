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
  /** How many at once; what the server delivers beyond waits here, in order. */
  readonly slots: number;
  /** Works on one message; resolves when the next of the slot may be taken on. Rejects only when the signal aborts. */
  readonly handle: (taken: Taken, signal: AbortSignal) => Promise<void>;
}

/**
 * Takes messages from one queue stream in their order, tells the server that it is alive, and gives
 * back what it cannot finish. How many the server hands out is `max_ack_pending` of the consumer.
 */
export class QueueWorker {
  readonly #parts: QueueWorkerParts;
  readonly #stop = new AbortController();
  readonly #inFlight = new Map<Promise<void>, Taken>();
  readonly #waiting: Taken[] = [];
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
    const { broker, bodies, stream } = this.#parts;
    const beat = this.#heartbeat();
    while (!this.#stopping) {
      try {
        const consumer = await broker.jetstream.consumers.get(stream, WORKER);
        if (this.#stopping) break;
        this.#messages = await consumer.consume({
          max_messages: 500,
          callback: (raw) => this.#take(takenFrom(raw, bodies, broker.turn)),
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
    this.#waiting.push(taken);
    this.#work();
  }

  #work(): void {
    while (this.#inFlight.size < this.#parts.slots) {
      const taken = this.#waiting.shift();
      if (taken === undefined) return;
      if (this.#parts.settled.has(taken.message.id)) taken.acknowledge();
      else this.#begin(taken);
    }
  }

  #begin(taken: Taken): void {
    const work = this.#parts.handle(taken, this.#stop.signal).catch(() => taken.giveBack());
    this.#inFlight.set(work, taken);
    void work.finally(() => {
      this.#inFlight.delete(work);
      if (!this.#stopping) this.#work();
    });
  }

  async #heartbeat(): Promise<void> {
    while (!this.#stopping || this.#inFlight.size > 0) {
      await sleep(ACKNOWLEDGE_WAIT / 4, undefined, {
        ref: false,
        signal: this.#beatStop.signal,
      }).catch(() => undefined);
      if (this.#beatStop.signal.aborted) return;
      for (const taken of [...this.#inFlight.values(), ...this.#waiting]) taken.working();
    }
  }
  readonly #beatStop = new AbortController();

  /** Takes and begins nothing more from this moment; what was read ahead goes back in order. */
  halt(): void {
    this.#stopping = true;
    this.#messages?.stop();
    for (const taken of this.#waiting.splice(0)) taken.giveBack();
  }

  /** Halts, waits up to `limit` milliseconds for what is in flight, then gives that back too. */
  async stop(limit: number): Promise<void> {
    this.halt();
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
