import type { ConsumerInfo } from '@nats-io/jetstream';
import type { Msg } from '@nats-io/transport-node';
import { background } from '../error/background.ts';
import { tolerate } from '../error/foreseen.ts';
import type { Message } from '../message/message.ts';
import { Deadline } from '../time/deadline.ts';
import { PassingMap } from '../time/passing.ts';
import { pause } from '../time/pause.ts';
import { after, type Timer } from '../time/timer.ts';
import { isAway } from './away.ts';
import type { Bodies } from './bodies.ts';
import type { Broker } from './broker.ts';
import type { HandOffs } from './hand-offs.ts';
import { ANSWER, LineRequests, PACE } from './line-requests.ts';
import { WORKER } from './names.ts';
import { type Delivery, deliveryOf, type Taken, takenFromLine, teller } from './queue.ts';
import { type SteadySubscription, subscribeSteadily } from './steady-subscription.ts';
import { lastSequence, READ_AHEAD } from './streams.ts';
import { hasStateOfAnother, settledUpTo } from './worker-state.ts';

export interface LineFeedOptions {
  readonly broker: Broker;
  readonly bodies: Bodies;
  readonly stream: string;
  /** Called in the order of the line. */
  readonly take: (taken: Taken) => void;
  /** Called if a message cannot be taken; the server delivers it again. */
  readonly failed: (error: unknown) => void;
  readonly handOffs?: HandOffs | undefined;
}

/** The messages of a strict line, in order. */
export interface LineFeed {
  /** Nothing more is taken from now on. */
  halt(): void;
  /** The same, and nothing is heard any more: the line is taken over again, from its first open message on. */
  stop(): void;
  /** Resolves once it was halted, or has stopped by itself because something may have been lost: it is taken over again. */
  closed(): Promise<void>;
  /**
   * After `halt`, when everything in flight has ended: acknowledges what was handed over and
   * settled, but not yet delivered by the server, then stops. Only while this engine still holds
   * the line.
   *
   * @returns whether nothing is left
   */
  settleRest(): Promise<boolean>;
}

/** How many acknowledgements are sent together: half of what the server delivers without one. */
const TOGETHER = READ_AHEAD / 2;
/** Messages handed over and not yet acknowledged, at most: fewer than a host remembers as settled. */
const AHEAD = 1_000;
/** Milliseconds between two requests for what is left at the end. */
const REST = 20;

/** A message that the worker got from this engine, which the server has yet to deliver. */
interface Handed {
  /** What it holds of the memory for all lines. */
  bytes: number;
  settled: boolean;
  /** Where its acknowledgement goes, once it was delivered. */
  at: string | undefined;
}

/**
 * Reads a line through its consumer, and takes what this engine stored itself directly, as long as
 * nothing lies between. The consumer remains the one record of what is settled: what was handed
 * over is delivered later, many at a time, and acknowledged at once. So under load a message costs
 * neither a delivery nor an acknowledgement of its own, and is sent without waiting for either.
 *
 * Throws if the consumer cannot be asked where it stands.
 */
export async function lineFeed(options: LineFeedOptions): Promise<LineFeed> {
  const line = new Line(options);
  try {
    await line.begin();
  } catch (error) {
    line.stop();
    throw error;
  }
  return line;
}

/** It reads; after `halt` it takes nothing more, but hears what is delivered; after `stop` neither. */
class Line implements LineFeed {
  readonly #options: LineFeedOptions;
  readonly #requests: LineRequests;
  readonly #answers: Answers;
  readonly #handed = new PassingMap<number, Handed>();
  readonly #closed = Promise.withResolvers<void>();
  readonly #subscription: SteadySubscription;
  readonly #leave: (() => void) | undefined;
  #halted = false;
  #stopped = false;
  /** The next sequence of the stream; nothing is handed over until it is known. */
  #due = Number.MAX_SAFE_INTEGER;
  /** The next delivery, by the consumer's count. */
  #number = 0;
  /** Up to there all was settled when this began. */
  #settled = 0;

  constructor(options: LineFeedOptions) {
    const { broker, stream, handOffs } = options;
    this.#options = options;
    this.#requests = new LineRequests(broker, stream);
    this.#answers = new Answers(broker);
    this.#subscription = subscribeSteadily(broker.connection, this.#requests.answers, {
      isVital: true,
      hear: (raw) => this.#hear(raw),
    });
    this.#leave = handOffs?.join(stream, (sequence, message) => this.#offer(sequence, message));
  }

  async begin(): Promise<void> {
    const { broker, stream } = this.#options;
    const info = await broker.manager.consumers.info(stream, WORKER);
    if (isNotAsTakenOver(info)) return this.stop();
    this.#settled = settledUpTo(info);
    this.#due = Math.max(info.delivered.stream_seq, this.#settled) + 1;
    this.#number = info.delivered.consumer_seq + 1;
    this.#requests.begin();
    background(this.#watch(), `following the connection of ${stream}`);
  }

  closed(): Promise<void> {
    return this.#closed.promise;
  }

  halt(): void {
    if (this.#halted) return;
    this.#halted = true;
    this.#leave?.();
    this.#requests.end();
    this.#answers.halt();
    this.#closed.resolve();
  }

  stop(): void {
    this.halt();
    if (this.#stopped) return;
    this.#stopped = true;
    this.#subscription.unsubscribe();
    for (const one of this.#handed.values()) this.#free(one);
    this.#answers.end();
    // before the line is taken over again
    this.#options.broker.turn.finish();
  }

  async settleRest(): Promise<boolean> {
    const { broker, stream } = this.#options;
    for (const [sequence, one] of this.#handed) {
      if (one.settled) continue;
      this.#free(one);
      this.#handed.delete(sequence);
    }
    for (let waited = 0; this.#hasRest() && waited < ANSWER; waited += REST) {
      this.#requests.askForRest();
      await pause(REST);
    }
    this.stop();
    // the next engine asks the server on another connection
    const flushed = broker.connection.flush();
    const told = new Deadline(ANSWER).within(`settling ${stream}`, flushed, isAway);
    return (await told) && this.#handed.size === 0;
  }

  #hasRest(): boolean {
    return !this.#stopped && this.#handed.size > 0;
  }

  /** This engine has stored a message of the line. */
  #offer(sequence: number, message: Message): void {
    const { handOffs, stream, take } = this.#options;
    if (sequence < this.#due) this.#requests.wasLate();
    if (sequence > this.#due) this.#requests.othersCame();
    const bytes = message.body.inline?.byteLength ?? 0;
    if (sequence !== this.#due || this.#handed.size >= AHEAD) return;
    if (handOffs?.hold(bytes) !== true) return;
    const one: Handed = { bytes, settled: false, at: undefined };
    this.#handed.set(sequence, one);
    this.#due = sequence + 1;
    take({
      message,
      stream,
      sequence,
      delivery: 1,
      bodyRef: undefined,
      woken: false,
      get acknowledgeAt() {
        return one.at;
      },
      acknowledge: () => this.#acknowledge(sequence, one),
      giveBack: () => {
        this.#free(one);
        this.#handed.delete(sequence);
        if (one.at !== undefined) this.#answers.giveBack(one.at);
      },
      working: () => {
        if (one.at !== undefined) this.#answers.working(one.at);
      },
    });
  }

  #acknowledge(sequence: number, one: Handed): void {
    one.settled = true;
    this.#free(one);
    if (one.at === undefined) return;
    this.#answers.acknowledge(one.at);
    this.#handed.delete(sequence);
  }

  #free(one: Handed): void {
    this.#options.handOffs?.free(one.bytes);
    one.bytes = 0;
  }

  /** A message, or something that the server says about a request. */
  #hear(raw: Msg): void {
    if (this.#stopped) return;
    this.#requests.heard();
    try {
      const delivery = deliveryOf(raw.reply ?? '');
      if (delivery !== undefined) this.#deliver(raw, delivery);
      else if (!this.#halted && this.#requests.said(raw) === 'gone') this.stop();
    } catch (error) {
      this.#options.failed(error);
    }
  }

  #deliver(raw: Msg, delivery: Delivery): void {
    const { sequence, pending, at } = delivery;
    const one = this.#handed.get(sequence);
    if (this.#halted) {
      if (one === undefined) this.#answers.giveBack(at);
      else this.#arrived(sequence, one, at);
      return;
    }
    // one is missing: nothing may pass it
    if (delivery.number > this.#number) return this.stop();
    // settled long ago: the server has gone back to the state of an earlier consumer
    if (sequence <= this.#settled) return this.stop();
    this.#number = delivery.number + 1;
    this.#requests.delivered({ isNew: one === undefined }, pending);
    if (one === undefined) this.#takeDelivered(raw, delivery);
    else this.#arrived(sequence, one, at);
  }

  /** What the worker already has was delivered too: now it can be acknowledged. */
  #arrived(sequence: number, one: Handed, at: string): void {
    one.at = at;
    if (one.settled) this.#acknowledge(sequence, one);
  }

  #takeDelivered(raw: Msg, delivery: Delivery): void {
    const { stream, bodies, take } = this.#options;
    const { sequence, at } = delivery;
    this.#due = Math.max(this.#due, sequence + 1);
    take({
      ...takenFromLine(raw, delivery, { stream, bodies }),
      acknowledge: () => this.#answers.acknowledge(at),
      giveBack: () => this.#answers.giveBack(at),
      working: () => this.#answers.working(at),
    });
  }

  async #watch(): Promise<void> {
    for await (const { type } of this.#options.broker.connection.status()) {
      if (this.#halted) return;
      if (type === 'reconnect') await this.#resume();
    }
  }

  /** After a reconnect: goes on if nothing was lost with the connection, and the stream is as it was. */
  async #resume(): Promise<void> {
    const { broker, stream } = this.#options;
    try {
      const info = await broker.manager.consumers.info(stream, WORKER);
      const last = await lastSequence(broker, stream);
      if (info.delivered.consumer_seq >= this.#number || last < this.#due - 1) this.stop();
      else this.#requests.wait();
    } catch (error) {
      tolerate(error, isAway, `asking about ${stream}`);
      this.stop();
    }
  }
}

/**
 * A kill between taking a line over and here can bring back the state of the consumer before: what that one had
 * delivered comes again only after a while, and what is stored meanwhile must not pass it.
 */
const isNotAsTakenOver = (info: ConsumerInfo): boolean =>
  info.num_ack_pending > 0 || hasStateOfAnother(info);

/**
 * What the server is told about deliveries. Acknowledgements are sent together: each one alone would
 * make it deliver one message.
 */
class Answers {
  readonly #tell: ReturnType<typeof teller>;
  #acknowledged: string[] = [];
  #sending: Timer | undefined;
  /** Given back after a halt: only once nothing is heard any more, or the server would deliver them here again. */
  readonly #left: string[] = [];
  #halted = false;

  constructor({ connection, turn }: Broker) {
    this.#tell = teller(connection, turn);
  }

  acknowledge(at: string): void {
    if (this.#acknowledged.push(at) >= TOGETHER || this.#halted) this.#send();
    else this.#sending ??= after(PACE, () => this.#send(), { ref: false });
  }

  giveBack(at: string): void {
    if (this.#halted) this.#left.push(at);
    else this.#tell(at, '-NAK');
  }

  working(at: string): void {
    this.#tell(at, '+WPI');
  }

  /** From now on acknowledgements are sent at once. */
  halt(): void {
    this.#halted = true;
    this.#send();
  }

  /** Nothing is heard any more. */
  end(): void {
    for (const at of this.#left) this.#tell(at, '-NAK');
  }

  #send(): void {
    this.#sending?.stop();
    this.#sending = undefined;
    for (const at of this.#acknowledged) this.#tell(at, '+ACK');
    this.#acknowledged = [];
  }
}
