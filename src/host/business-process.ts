import type { Answer } from '../broker/answers.ts';
import type { Taken } from '../broker/queue.ts';
import { describeError } from '../error/engine-error.ts';
import { directAnswer } from '../flow/direct-answer.ts';
import { isOutage } from '../flow/durable-process.ts';
import type { EndOrder } from '../flow/end-message.ts';
import { enqueue } from '../flow/enqueue.ts';
import { errorOf, type Leg, route } from '../flow/route.ts';
import { settle, untilStored } from '../flow/settle.ts';
import type { SettledMemory } from '../flow/settled-memory.ts';
import { loadBody, onLeg, subject } from '../flow/subject.ts';
import type { Process, ProcessResult } from '../flow/wiring.ts';
import type { Message } from '../message/message.ts';
import type { RecordedError } from '../message/record.ts';
import { pause } from '../time/pause.ts';
import { endByOrder, endInHand } from './end-by-order.ts';
import { type Host, HostState, type HostStatus, type Surroundings } from './host.ts';
import { QueueWorker } from './queue-worker.ts';

export interface ProcessParts {
  readonly name: string;
  /** Asked for each message: a change of the production takes effect with the next one. */
  readonly process: () => Process;
  readonly streams: readonly string[];
  /** How many messages at once from each stream. */
  readonly pool: number;
  readonly settled: SettledMemory;
}

/** Milliseconds before a message that could not be stored goes back to its queue. */
const OUTAGE_WAIT = 1_000;

/** A process with a queue of its own: takes a message, runs the process, stores what it sends, settles. */
export class BusinessProcess implements Host {
  readonly kind = 'process';
  readonly name: string;
  readonly #surroundings: Surroundings;
  readonly #parts: ProcessParts;
  readonly #state = new HostState();
  #workers: QueueWorker[] = [];

  constructor(surroundings: Surroundings, parts: ProcessParts) {
    this.name = parts.name;
    this.#surroundings = surroundings;
    this.#parts = parts;
  }

  async start(): Promise<void> {
    if (this.#state.running) return;
    this.#state.running = true;
    const { broker, accepting, events } = this.#surroundings;
    this.#workers = this.#parts.streams.map(
      (stream) =>
        new QueueWorker({
          broker,
          bodies: accepting.bodies,
          stream,
          settled: this.#parts.settled,
          slots: this.#parts.pool,
          handle: (taken, { cut }) => this.#handle(taken, cut),
          end: (taken, order, begun) =>
            endByOrder(this.#surroundings, this.#parts, { taken, order, begun }),
        }),
    );
    for (const worker of this.#workers) worker.start();
    events.hostStarted(this.name);
  }

  async stop(limit: number): Promise<void> {
    if (!this.#state.running) return;
    this.#state.running = false;
    await Promise.all(this.#workers.map((worker) => worker.stop(limit)));
    this.#workers = [];
  }

  retryNow(): void {
    // a process waits for nothing that could be hurried
  }

  endMessage(id: number, order: EndOrder): Promise<boolean> {
    return endInHand(this.#workers, id, order);
  }

  status(): HostStatus {
    const inFlight = this.#workers.reduce((sum, worker) => sum + worker.inFlight, 0);
    return this.#state.status(this.name, this.kind, inFlight);
  }

  async #handle(taken: Taken, signal: AbortSignal): Promise<void> {
    const { accepting, events } = this.#surroundings;
    const { clock } = accepting.routing;
    const { message } = taken;
    const started = clock.now();
    const { result, error, direct } = await this.#run(taken, signal);
    const status = result?.status ?? 'suspended';
    const done = clock.now();
    if (error === undefined) this.#state.active();
    else this.#state.failed(error.code, error.text);
    await this.#answer(message, direct);
    await settle(
      {
        broker: this.#surroundings.broker,
        outcomes: this.#surroundings.outcomes,
        settled: this.#parts.settled,
      },
      taken,
      { host: this.name, status, started, done, attempts: 1, explain: result?.explain, error },
    );
    const times = { sending: done - started, total: done - message.received };
    events.settled(this.name, message, status, times);
  }

  /** Answers whoever waits; a process that sent the message on leaves the answer to its target's queue. */
  async #answer({ replyTo }: Message, answer: Answer | undefined): Promise<void> {
    if (replyTo === undefined || answer === undefined) return;
    await untilStored(() => this.#surroundings.accepting.answers.send(replyTo, answer));
  }

  /** Runs the process and stores what it sends; a failure to store rejects, so that the message is given back. */
  async #run(taken: Taken, signal: AbortSignal): Promise<Ran> {
    const { accepting } = this.#surroundings;
    const { message, bodyRef } = taken;
    const process = this.#parts.process();
    const arrived = subject(message, message.body, bodyRef);
    let result: ProcessResult;
    let legs: Leg[];
    try {
      if (process.readsBody && message.body.inline === undefined) await loadBody(arrived);
      result = await process.run(arrived, signal);
      // a process that answers itself leaves no answer to its targets
      const replyTo = result.reply === undefined ? message.replyTo : undefined;
      legs = await route(
        { ...accepting.routing, wiring: accepting.routing.wiring() },
        onLeg(arrived, { ...message, source: this.name, parentId: message.id, replyTo }),
        { to: result.sends, key: `m${message.id}` },
      );
    } catch (error) {
      if (signal.aborted || isOutage(error)) return await this.#afterOutage(error, signal);
      const described = describeError(error);
      return {
        result: undefined,
        error: described,
        direct: { outcome: { status: 'suspended', text: described.text } },
      };
    }
    try {
      await enqueue(accepting, legs);
    } catch (error) {
      return await this.#afterOutage(error, signal);
    }
    const error = errorOf(result);
    const owed = legs.some((leg) => leg.message.replyTo !== undefined);
    const own = { reply: result.reply, outcome: { status: result.status, text: error?.text } };
    return { result, error, direct: owed ? directAnswer(legs) : own };
  }

  /** Waits a little, so that a message which cannot be stored does not come back at once and for ever. */
  async #afterOutage(outage: unknown, signal: AbortSignal): Promise<never> {
    await pause(OUTAGE_WAIT, signal);
    throw outage;
  }
}

interface Ran {
  readonly result: ProcessResult | undefined;
  readonly error: RecordedError | undefined;
  /** The answer for whoever waits, where no queue will give it. */
  readonly direct: Answer | undefined;
}
