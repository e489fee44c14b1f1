import { setTimeout as sleep } from 'node:timers/promises';
import { isAway } from '../broker/away.ts';
import type { Bodies } from '../broker/bodies.ts';
import type { Broker } from '../broker/broker.ts';
import type { HandOffs } from '../broker/hand-offs.ts';
import { type LineFeed, lineFeed } from '../broker/line-feed.ts';
import { WORKER } from '../broker/names.ts';
import { acknowledgeAgain, type Taken, takenFrom } from '../broker/queue.ts';
import {
  ACKNOWLEDGE_WAIT,
  endIfNobodyAnswers,
  isConsumerMissing,
  STEADILY,
} from '../broker/streams.ts';
import { background } from '../error/background.ts';
import { tolerate, unless } from '../error/foreseen.ts';
import { faultText, unexpected } from '../error/unexpected.ts';
import type { EndOrder } from '../flow/end-message.ts';
import type { SettledMemory } from '../flow/settled-memory.ts';
import { orAbort } from '../time/or-abort.ts';
import { PassingMap } from '../time/passing.ts';
import { pause } from '../time/pause.ts';

/** A message that a person ends. */
export interface Ended {
  readonly taken: Taken;
  readonly order: EndOrder;
  /** Whether it was being worked on. */
  readonly begun: boolean;
}

export interface QueueWorkerOptions {
  readonly broker: Broker;
  readonly bodies: Bodies;
  readonly stream: string;
  readonly settled: SettledMemory;
  /**
   * Not for a strict line: what is being found out about what other engines have sent, before which
   * nothing is begun; undefined if nothing is.
   */
  readonly recollecting?: (() => Promise<void> | undefined) | undefined;
  /** How many at once; further deliveries wait here, in order. */
  readonly slots: number;
  /**
   * Only for a strict line: takes it over again, from its first open message on. Called, with
   * nothing in flight, after a lost delivery, since the server would first deliver what follows it.
   */
  readonly takeOver?: ((signal: AbortSignal) => Promise<unknown>) | undefined;
  /** Only for a strict line: through which this engine hands it what it stores in it. */
  readonly handOffs?: HandOffs | undefined;
  /**
   * Only for a strict line: whether it still belongs to this engine. Asked before a message is
   * begun, and at the end, when what was settled and not yet delivered is acknowledged.
   */
  readonly isOurs?: (() => boolean) | undefined;
  /** Called if something settled could not be acknowledged, so that it will be delivered again. */
  readonly onLeft?: (() => void) | undefined;
  /** Recreates a removed consumer. */
  readonly restore: () => Promise<void>;
  /**
   * Works on one message; resolves when the slot may take the next. Rejects when a signal aborts or
   * NATS is unreachable: the message then goes back. Any other error is a bug: it is reported and
   * the message retried, at most `TRIES` times in total; then it is suspended.
   */
  readonly handle: (taken: Taken, signals: WorkSignals) => Promise<void>;
  /** Settles a message as a person ordered. */
  readonly end: (ended: Ended) => Promise<void>;
}

/** `stopping` only ends waits; `cut` ends the work at once. */
export interface WorkSignals {
  readonly stopping: AbortSignal;
  readonly cut: AbortSignal;
}

/** A message being worked on. */
interface Flight {
  readonly taken: Taken;
  readonly stopping: AbortController;
  readonly cut: AbortController;
  work: Promise<void>;
  /** What a person ordered instead. */
  order?: EndOrder;
  /** Whether that order was carried out, because the message was not settled before. */
  ended?: boolean;
}

/** How often a message is tried if the program itself fails on it. */
const TRIES = 3;
/** Milliseconds before it is retried. */
const FAULT_WAIT = 200;

/** Milliseconds before a message that could not be ended either goes back. */
const END_WAIT = 5_000;

/** How many acknowledgements are repeated while idle: more than a server loses when it crashes. */
const REPEATED = 64;

/** Milliseconds that a message ended elsewhere by a person is remembered here. */
const BARRED = 30_000;

/**
 * Takes messages from one queue stream in order, tells the server that it is alive, and gives back
 * what it cannot finish. `max_ack_pending` of the consumer limits how many the server delivers.
 */
export class QueueWorker {
  readonly #options: QueueWorkerOptions;
  /** By message id. */
  readonly #inFlight = new PassingMap<number, Flight>();
  readonly #barred = new Map<number, EndOrder>();
  readonly #waiting: Taken[] = [];
  /** What delivers the messages. */
  #messages: Pick<LineFeed, 'stop'> | undefined;
  /** The same, if it is a strict line. */
  #feed: LineFeed | undefined;
  #stopping = false;
  #loop: Promise<void> | undefined;

  constructor(options: QueueWorkerOptions) {
    this.#options = options;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  start(): void {
    this.#loop = this.#consume();
  }

  /** Consumes until stopped; after a consumer ended (deleted, server lost) it consumes again. */
  async #consume(): Promise<void> {
    const { stream, takeOver } = this.#options;
    const beat = this.#heartbeat();
    while (!this.#stopping) {
      try {
        await (takeOver === undefined ? this.#share() : this.#follow());
        await this.#beginAnew();
      } catch (error) {
        if (this.#beatStop.signal.aborted) break;
        // the server or the stream is unavailable at the moment; nothing is lost, since the queue
        // keeps it
        if (isConsumerMissing(error)) await this.#restore();
        tolerate(error, isAway, `taking from ${stream}`);
      }
      if (!this.#stopping) await sleep(100);
    }
    await beat;
  }

  /** Takes what the server delivers to this one of all engines that share the queue. */
  async #share(): Promise<void> {
    const { broker, bodies, stream } = this.#options;
    const asked = broker.jetstream.consumers.get(stream, WORKER);
    const consumer = await orAbort(asked, this.#beatStop.signal);
    if (this.#stopping) return;
    const messages = await consumer.consume({
      max_messages: 500,
      ...STEADILY,
      callback: (raw) => {
        try {
          this.#take(takenFrom(raw, bodies, broker.turn));
        } catch (error) {
          this.#notTaken(error);
        }
      },
    });
    this.#messages = messages;
    // halted while starting
    if (this.#stopping) messages.stop();
    background(endIfNobodyAnswers(messages), `following the consumer of ${stream}`);
    await messages.closed();
  }

  /** Takes what is in the line, in order. */
  async #follow(): Promise<void> {
    const { broker, bodies, stream, handOffs } = this.#options;
    const opening = lineFeed({
      broker,
      bodies,
      stream,
      handOffs,
      take: (taken) => this.#take(taken),
      failed: (error) => this.#notTaken(error),
    }).then((opened) => {
      // halted while starting
      if (this.#stopping) opened.halt();
      return opened;
    });
    const feed = await orAbort(opening, this.#beatStop.signal);
    this.#feed = feed;
    this.#messages = feed;
    await feed.closed();
  }

  /** It is not acknowledged, so it comes again; throwing would end the delivery of all others. */
  #notTaken(error: unknown): void {
    unexpected(`taking a message from ${this.#options.stream}`, error);
  }

  /** Ends the deliveries of a line, which then starts again at its first open message. */
  #interrupt(): void {
    this.#waiting.length = 0;
    this.#messages?.stop();
  }

  /** Recreates the consumer if it was removed; retried in the next round. */
  async #restore(): Promise<void> {
    const { stream, takeOver, restore } = this.#options;
    if (takeOver !== undefined) return this.#beginAnew();
    await restore().catch(unless(isAway, `making the worker of ${stream} again`));
  }

  /** Takes a line over again if its deliveries were interrupted, since something may have been lost. */
  async #beginAnew(): Promise<void> {
    const { takeOver } = this.#options;
    if (takeOver === undefined) return;
    this.#waiting.length = 0;
    await this.#landed();
    while (!this.#stopping && this.#isOurs()) {
      try {
        const { signal } = this.#beatStop;
        await orAbort(takeOver(signal), signal);
        return;
      } catch (error) {
        if (this.#beatStop.signal.aborted) return;
        // a cluster may still be electing a leader
        tolerate(error, isAway, `taking the line ${this.#options.stream} over`);
        await sleep(100);
      }
    }
  }

  #take(taken: Taken): void {
    this.#idleBeats = 0;
    if (this.#stopping) return taken.giveBack();
    this.#waiting.push(taken);
    if (this.#beginsSoon) return;
    this.#beginsSoon = true;
    setImmediate(() => {
      this.#beginsSoon = false;
      if (!this.#stopping) this.#work();
    });
  }
  /** What came begins at the end of the turn: the sender of what was just stored gets its answer first. */
  #beginsSoon = false;

  /** If the line is lost, what was read ahead waits for the halt that follows. */
  #work(): void {
    while (this.#inFlight.size < this.#options.slots) {
      if (this.#waiting.length === 0 || !this.#isOurs() || this.#mustWait()) return;
      const taken = this.#waiting.shift();
      if (taken === undefined) return;
      const { id } = taken.message;
      if (this.#options.settled.has(id)) taken.acknowledge();
      // a killed server may forget that it delivered it; this delivery waits until the first has
      // ended
      else if (!this.#inFlight.has(id)) this.#begin(taken);
    }
  }

  #mustWait(): boolean {
    const { recollecting, takeOver, stream } = this.#options;
    const known = takeOver === undefined ? recollecting?.() : undefined;
    if (known === undefined) return false;
    if (known !== this.#awaited) {
      this.#awaited = known;
      background(this.#goOnAfter(known), `going on with ${stream}`);
    }
    return true;
  }
  #awaited: Promise<void> | undefined;

  async #goOnAfter(known: Promise<void>): Promise<void> {
    await known;
    if (!this.#stopping) this.#work();
  }

  #begin(taken: Taken): void {
    const { id } = taken.message;
    const [stopping, cut] = [new AbortController(), new AbortController()];
    const flight: Flight = { taken, stopping, cut, work: Promise.resolve() };
    const order = this.#barred.get(id);
    this.#inFlight.set(id, flight);
    flight.work =
      order === undefined
        ? this.#workOn(flight)
        : this.#endOr(flight, { order, begun: false }).then(nothing);
    const landed = flight.work.finally(() => {
      this.#inFlight.delete(id);
      if (!this.#stopping) this.#work();
    });
    background(landed, `working on a message of ${this.#options.stream}`);
  }

  /** Never rejects: unfinished messages go back to the queue. */
  async #workOn(flight: Flight): Promise<void> {
    try {
      await this.#handled(flight);
    } catch (error) {
      if (flight.order !== undefined) {
        flight.ended = await this.#endOr(flight, { order: flight.order, begun: true });
        return;
      }
      // it is in the line of another engine, which sends it
      if (!this.#isOurs()) return;
      if (!flight.stopping.signal.aborted) {
        tolerate(error, isAway, `working on a message of ${this.#options.stream}`);
      }
      this.#giveBack(flight.taken);
    }
  }

  /**
   * After a bug the message does not go back to the queue at once, since the next ones in its line
   * would overtake it. It is retried here, as one that may have been sent.
   */
  async #handled(flight: Flight): Promise<void> {
    const { taken, stopping, cut } = flight;
    const { handle, stream } = this.#options;
    const signals = { stopping: stopping.signal, cut: cut.signal };
    for (let tries = 1; ; tries++) {
      try {
        await handle(
          tries === 1 ? taken : { ...taken, delivery: taken.delivery + tries - 1 },
          signals,
        );
        return;
      } catch (error) {
        if (stopping.signal.aborted || isAway(error)) throw error;
        unexpected(`working on a message of ${stream}`, error);
        if (tries === TRIES) {
          await this.#endOr(flight, { order: faultOrder(error), begun: true });
          return;
        }
        await pause(FAULT_WAIT * tries, stopping.signal);
        stopping.signal.throwIfAborted();
      }
    }
  }

  /** Whether it has now ended; if not, it goes back to its queue after a while. */
  async #endOr({ taken, cut }: Flight, how: Omit<Ended, 'taken'>): Promise<boolean> {
    try {
      await this.#options.end({ taken, ...how });
      return true;
    } catch (error) {
      tolerate(error, isAway, `ending a message of ${this.#options.stream}`);
      if (!this.#stopping) await pause(END_WAIT, cut.signal);
      this.#giveBack(taken);
      return false;
    }
  }

  /** Puts it back into its queue. A line starts again with it, so that nothing overtakes it. */
  #giveBack(taken: Taken): void {
    taken.giveBack();
    if (this.#options.takeOver !== undefined && !this.#stopping) this.#interrupt();
  }

  /**
   * Ends one message as a person ordered, interrupting it if it is being sent or waits for its next
   * try.
   *
   * @returns whether it was being worked on here and had no outcome yet. If not, it is remembered
   * for a moment, so that it is not started while it is being removed from the stream.
   */
  async end(id: number, order: EndOrder): Promise<boolean> {
    const index = this.#waiting.findIndex(({ message }) => message.id === id);
    const [waiting] = index < 0 ? [] : this.#waiting.splice(index, 1);
    if (waiting !== undefined) {
      await this.#options.end({ taken: waiting, order, begun: false });
      return true;
    }
    const flight = this.#inFlight.get(id);
    if (flight !== undefined) {
      flight.order = order;
      flight.stopping.abort();
      flight.cut.abort();
      await flight.work;
      return flight.ended === true;
    }
    this.#barred.set(id, order);
    setTimeout(() => this.#barred.delete(id), BARRED).unref();
    return false;
  }

  async #heartbeat(): Promise<void> {
    while (!this.#stopping || this.#inFlight.size > 0) {
      await pause(ACKNOWLEDGE_WAIT / 4, this.#beatStop.signal, { ref: false });
      if (this.#beatStop.signal.aborted) return;
      const flying = [...this.#inFlight.values()].map(({ taken }) => taken);
      const held = [...flying, ...this.#waiting];
      for (const taken of held) taken.working();
      if (held.length > 0) this.#idleBeats = 0;
      else if (this.#idleBeats++ < 2) {
        await orAbort(this.#lookForLost(), this.#beatStop.signal).catch((error: unknown) => {
          if (this.#beatStop.signal.aborted) return;
          // tried again until the server answers
          this.#idleBeats = 0;
          tolerate(error, isAway, `looking for what ${this.#options.stream} lost`);
        });
      }
    }
  }

  /**
   * An idle queue may be empty; or its consumer has a new leader that does not know what was done,
   * or believes that we have what was lost, and would wait before delivering it again.
   */
  async #lookForLost(): Promise<void> {
    const { broker, stream, settled, takeOver } = this.#options;
    if (takeOver !== undefined) {
      const { num_ack_pending } = await broker.manager.consumers.info(stream, WORKER);
      if (num_ack_pending > 0 && this.#idleBeats > 0) this.#messages?.stop();
      return;
    }
    for (const at of settled.acknowledgements(REPEATED)) acknowledgeAgain(broker, at);
  }
  /** Heartbeats since the queue became idle. */
  #idleBeats = 0;
  readonly #beatStop = new AbortController();

  /** From now on nothing more is taken or started; what was read ahead goes back in order. */
  halt(): void {
    this.#stopping = true;
    if (this.#feed === undefined) this.#messages?.stop();
    else this.#feed.halt();
    for (const { stopping } of this.#inFlight.values()) stopping.abort();
    for (const taken of this.#waiting.splice(0)) taken.giveBack();
  }

  /** Halts, waits up to `limit` milliseconds for what is in flight, then gives back the rest. */
  async stop(limit: number): Promise<void> {
    this.halt();
    const done = this.#landed();
    const given = new AbortController();
    await Promise.race([done, pause(limit, given.signal)]);
    given.abort();
    for (const { cut } of this.#inFlight.values()) cut.abort();
    await this.#landed();
    await this.#settleRest();
    this.#beatStop.abort();
    await this.#loop;
  }

  /** What was handed over and settled is acknowledged, or the next engine would send it again. */
  async #settleRest(): Promise<void> {
    if (this.#feed === undefined) return;
    if (!this.#isOurs()) this.#feed.stop();
    else if (await this.#feed.settleRest()) return;
    this.#options.onLeft?.();
  }

  #isOurs(): boolean {
    return this.#options.isOurs?.() ?? true;
  }

  async #landed(): Promise<void> {
    await Promise.all([...this.#inFlight.values()].map(({ work }) => work));
  }
}

const nothing = (): void => undefined;

const faultOrder = (error: unknown): EndOrder => ({
  status: 'suspended',
  by: 'waybill',
  code: 'ENGINE_FAULT',
  reason: `Waybill itself failed on this message ${TRIES} times: ${faultText(error)}`,
});
