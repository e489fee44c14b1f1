import { setTimeout as sleep } from 'node:timers/promises';
import type { ConsumerMessages } from '@nats-io/jetstream';
import type { Bodies } from '../broker/bodies.ts';
import type { Broker } from '../broker/broker.ts';
import { WORKER } from '../broker/names.ts';
import { type Taken, takenFrom } from '../broker/queue.ts';
import { ACKNOWLEDGE_WAIT } from '../broker/streams.ts';
import type { EndOrder } from '../flow/end-message.ts';
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
  /** Settles a message as a person ordered; `begun` tells that it was being worked on. */
  readonly end: (taken: Taken, order: EndOrder, begun: boolean) => Promise<void>;
}

/** A message that is being worked on. */
interface Flight {
  readonly taken: Taken;
  readonly stop: AbortController;
  /** What a person ordered to be done with it instead. */
  order?: EndOrder;
  /** Whether that was done: it was not settled before. */
  ended?: boolean;
}

/** How long a message that a person ended elsewhere is known here, milliseconds. */
const BARRED = 30_000;

/**
 * Takes messages from one queue stream in their order, tells the server that it is alive, and gives
 * back what it cannot finish. How many the server hands out is `max_ack_pending` of the consumer.
 */
export class QueueWorker {
  readonly #parts: QueueWorkerParts;
  #aborted = false;
  readonly #inFlight = new Map<Promise<void>, Flight>();
  readonly #barred = new Map<number, EndOrder>();
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
    const flight: Flight = { taken, stop: new AbortController() };
    const order = this.#barred.get(taken.message.id);
    if (this.#aborted) flight.stop.abort();
    const work = (
      order === undefined
        ? this.#parts.handle(taken, flight.stop.signal)
        : this.#parts.end(taken, order, false)
    ).catch(() => this.#unfinished(flight));
    this.#inFlight.set(work, flight);
    void work.finally(() => {
      this.#inFlight.delete(work);
      if (!this.#stopping) this.#work();
    });
  }

  #unfinished(flight: Flight): Promise<void> | void {
    const { taken, order } = flight;
    if (order === undefined) return taken.giveBack();
    flight.ended = true;
    return this.#parts.end(taken, order, true);
  }

  /**
   * Ends one message as a person ordered: what is being sent or waits for its next try is interrupted.
   *
   * @returns whether it was in hand here and had no outcome yet. One that is not is known for a moment,
   * so that it is not begun while it is taken out of the stream.
   */
  async end(id: number, order: EndOrder): Promise<boolean> {
    const index = this.#waiting.findIndex(({ message }) => message.id === id);
    const [waiting] = index < 0 ? [] : this.#waiting.splice(index, 1);
    if (waiting !== undefined) {
      await this.#parts.end(waiting, order, false);
      return true;
    }
    for (const [work, flight] of this.#inFlight) {
      if (flight.taken.message.id !== id) continue;
      flight.order = order;
      flight.stop.abort();
      await work;
      return flight.ended === true;
    }
    this.#barred.set(id, order);
    setTimeout(() => this.#barred.delete(id), BARRED).unref();
    return false;
  }

  async #heartbeat(): Promise<void> {
    while (!this.#stopping || this.#inFlight.size > 0) {
      await sleep(ACKNOWLEDGE_WAIT / 4, undefined, {
        ref: false,
        signal: this.#beatStop.signal,
      }).catch(() => undefined);
      if (this.#beatStop.signal.aborted) return;
      const flying = [...this.#inFlight.values()].map(({ taken }) => taken);
      for (const taken of [...flying, ...this.#waiting]) taken.working();
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
    this.#aborted = true;
    for (const flight of this.#inFlight.values()) flight.stop.abort();
    await Promise.all(this.#inFlight.keys());
    this.#beatStop.abort();
    await this.#loop;
  }
}
