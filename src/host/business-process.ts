import type { Answer } from '../broker/answers.ts';
import { isAway } from '../broker/away.ts';
import type { Taken } from '../broker/queue.ts';
import type { Steps } from '../broker/steps.ts';
import type { WaitingRoom } from '../broker/waiting-room.ts';
import { describeError, isEngineError } from '../error/engine-error.ts';
import type { EndOrder } from '../flow/end-message.ts';
import { enqueue } from '../flow/enqueue.ts';
import { outcomeOf } from '../flow/outcome-of.ts';
import { directAnswer, errorOf, type Leg, route } from '../flow/route.ts';
import { settle, untilStored } from '../flow/settle.ts';
import type { SettledMemory } from '../flow/settled-memory.ts';
import { loadBody, onLeg, subject } from '../flow/subject.ts';
import { type Process, type ProcessResult, type TakenAlong, Waits } from '../flow/wiring.ts';
import { sentOn } from '../message/envelope.ts';
import type { Message } from '../message/message.ts';
import type { OutcomeRecord, RecordedError } from '../message/record.ts';
import { type RetryPolicy, retryDelay } from '../time/back-off.ts';
import { pause } from '../time/pause.ts';
import { endByOrder } from './end-by-order.ts';
import { type Host, HostState, type HostStatus, type Runtime, tellFailedTry } from './host.ts';
import { type OtherLines, OtherLinesWork } from './other-lines.ts';
import { HostPatience } from './patience.ts';
import {
  type Ended,
  QueueWorker,
  type QueueWorkerOptions,
  type WorkSignals,
} from './queue-worker.ts';
import { Workers } from './workers.ts';

export interface ProcessOptions {
  readonly name: string;
  /** Called for each message: a change of the production takes effect with the next one. */
  readonly process: () => Process;
  readonly streams: readonly string[];
  /** Other lines of its queue, of an earlier order. */
  readonly others: OtherLines;
  /** How many messages are worked on at once, for each stream. */
  readonly pool: number;
  /** Recreates a removed consumer of a stream. */
  readonly restore: (stream: string, pool: number) => Promise<void>;
  readonly settled: SettledMemory;
  readonly recollecting: QueueWorkerOptions['recollecting'];
  /** How a message is retried after a temporary failure of its process; `disconnected` has no meaning here. */
  readonly retry: RetryPolicy;
  /** While a message waits, `hold` makes the rest of its line wait too, `release` lets others pass. */
  readonly whileWaiting: 'hold' | 'release';
  readonly waiting: WaitingRoom;
  readonly steps: Steps;
}

/** Milliseconds before a message whose results could not be stored goes back to its queue. */
const OUTAGE_WAIT = 1_000;
/** How many keys the trace tells of one message. */
const TOLD = 20;
const TOLD_MESSAGES = 1_000;
/** How many of the messages that end with another one are settled at once. */
const AT_ONCE = 32;

/** A process with its own queue: takes a message, runs the process, stores what it sends, and settles the message. */
export class BusinessProcess implements Host {
  readonly kind = 'process';
  readonly name: string;
  readonly #runtime: Runtime;
  readonly #options: ProcessOptions;
  readonly #state: HostState;
  readonly #patience: HostPatience;
  readonly #workers = new Workers();
  #stop = new AbortController();
  /** Ends the waits of those that are tried again. */
  #wake = new AbortController();
  #working: Promise<void> | undefined;
  /** Milliseconds that a stop waits for what is in flight. */
  #limit = 10_000;

  constructor(runtime: Runtime, options: ProcessOptions) {
    this.name = options.name;
    this.#runtime = runtime;
    this.#state = new HostState(runtime.events, this.name);
    this.#patience = new HostPatience(this.#state);
    this.#options = options;
  }

  async start(): Promise<void> {
    if (this.#state.running) return;
    this.#state.running = true;
    this.#patience.renew();
    this.#stop = new AbortController();
    this.#working = this.#work(this.#stop.signal);
    this.#runtime.events.hostStarted(this.name);
  }

  /** Messages waiting in lines of an earlier order go first. */
  async #work(signal: AbortSignal): Promise<void> {
    const { name, others, streams, pool } = this.#options;
    const work = new OtherLinesWork(this.#runtime, {
      name,
      others,
      held: false,
      work: (stream, takeOver) => {
        const end = this.#workers.start(this.#worker(stream, 1, takeOver));
        return () => end(this.#limit);
      },
    });
    await work.first(signal);
    if (signal.aborted) return;
    for (const stream of streams) this.#workers.start(this.#worker(stream, pool));
    await work.follow(signal);
  }

  #worker(stream: string, slots: number, takeOver?: () => Promise<unknown>): QueueWorker {
    const { broker, accepting } = this.#runtime;
    return new QueueWorker({
      broker,
      bodies: accepting.bodies,
      stream,
      settled: this.#options.settled,
      recollecting: this.#options.recollecting,
      slots,
      takeOver,
      restore: () => this.#options.restore(stream, slots),
      handle: (taken, signals) => this.#handle(taken, signals),
      end: (ended) => this.#end(ended),
    });
  }

  async stop(limit: number): Promise<void> {
    if (!this.#state.running) return;
    this.#state.running = false;
    this.#limit = limit;
    this.#stop.abort();
    await this.#patience.within(limit, this.#workers.stop(limit));
    await this.#working;
    this.#state.ended();
  }

  retryNow(): void {
    this.#wake.abort();
    this.#wake = new AbortController();
  }

  endMessage(id: number, order: EndOrder): Promise<boolean> {
    return this.#workers.end(id, order);
  }

  status(): HostStatus {
    this.#state.detail = this.#waitsFor();
    return this.#state.status(this.name, this.kind, this.#workers.inFlight);
  }

  async #end(ended: Ended): Promise<void> {
    const { message } = ended.taken;
    // first, so that nothing is given to it any more
    await this.#options.process().ended?.(message.id);
    await endByOrder(this.#runtime, { ...this.#options, patience: this.#patience }, ended);
    this.#forgetSteps(message);
  }

  #forgetSteps({ id }: Message): void {
    if (this.#options.process().runOrWait !== undefined) this.#options.steps.ended(id);
  }

  /** A text that says why a line with a waiting message does not move. */
  #waitsFor(): string | undefined {
    const [first] = this.#held;
    if (first === undefined) return undefined;
    const [id, until] = first;
    const what = Number.isFinite(until)
      ? `until ${new Date(until).toISOString()}`
      : 'for an answer';
    return `message ${id} waits ${what}, and its line with it (whileWaiting: hold)`;
  }

  async #handle(taken: Taken, signals: WorkSignals): Promise<void> {
    const { clock, events } = this.#runtime;
    const { message } = taken;
    const started = clock.now();
    const { ran, attempts } = await this.#runAndRetry(taken, signals);
    if (ran instanceof Waits) return this.#setAside(taken, ran);
    const { result, error, direct } = ran;
    const status = result?.status ?? 'suspended';
    const done = clock.now();
    if (error === undefined) this.#state.active();
    else this.#state.failed(error.code, error.text);
    // others must not wait for it, nor anything be given to it
    if (status === 'suspended') {
      await untilStored(async () => this.#options.process().ended?.(message.id), this.#patience);
    }
    await this.#answer(message, direct);
    await settle(
      {
        broker: this.#runtime.broker,
        outcomes: this.#runtime.outcomes,
        settled: this.#options.settled,
        patience: this.#patience,
      },
      taken,
      { host: this.name, status, started, done, attempts, ...toldBy(result), error },
    );
    this.#forgetSteps(message);
    const times = { sending: done - started, total: done - message.received };
    events.settled(this.name, message, status, times);
  }

  /**
   * The process waits: its message leaves the queue without an outcome, and comes back when woken.
   * A crash in between leaves it in both places; it then runs once more, finds its steps done and
   * waits again.
   */
  async #setAside(taken: Taken, wake: Waits): Promise<void> {
    const { id, sessionId } = taken.message;
    const at = Date.now();
    let sequence = 0;
    await untilStored(async () => {
      ({ sequence } = await this.#options.waiting.enter(taken, this.name, wake));
    }, this.#patience);
    await untilStored(
      () =>
        this.#runtime.outcomes.append({
          record: { kind: 'wait', id, sessionId, host: this.name, at, sequence },
        }),
      this.#patience,
    );
    taken.acknowledge();
  }

  /** Messages that wait in place and so block their line, with the time they wait for. */
  readonly #held = new Map<number, number>();

  /** Answers a waiting sender; if the process sent the message on, the target's queue answers. */
  async #answer({ replyTo }: Message, answer: Answer | undefined): Promise<void> {
    if (replyTo === undefined || answer === undefined) return;
    await untilStored(() => this.#runtime.accepting.answers.send(replyTo, answer), this.#patience);
  }

  /**
   * Runs the process until it ends, waits, or fails permanently: temporary failures are retried by
   * the policy of the host, while the line waits. The time counts from the first failure, since
   * code may have slept before it.
   */
  async #runAndRetry(taken: Taken, signals: WorkSignals): Promise<Tried> {
    const { clock } = this.#runtime;
    const { retry } = this.#options;
    const { message } = taken;
    let until: number | undefined;
    try {
      for (let attempt = 1; ; attempt++) {
        const ran = await this.#run(taken, signals).finally(() => this.#held.delete(message.id));
        if (ran instanceof Waits || ran.passing === undefined) return { ran, attempts: attempt };
        const now = clock.now();
        until ??= now + retry.for;
        const next = now + (ran.passing.after ?? retryDelay(retry, attempt));
        if (next > until) return { ran, attempts: attempt };
        tellFailedTry(this.#runtime, { name: this.name, state: this.#state }, message, {
          attempt,
          next,
          error: ran.passing.error,
          event: 'process-failed',
        });
        await pause(next - now, AbortSignal.any([signals.stopping, this.#wake.signal]));
        signals.stopping.throwIfAborted();
      }
    } finally {
      if (this.#state.retrying?.messageId === message.id) this.#state.retrying = undefined;
    }
  }

  /** Runs the process and stores what it sends; rejects if that fails, so that the message goes back to its queue. */
  async #run(taken: Taken, { stopping, cut }: WorkSignals): Promise<Ran | Waits> {
    const { accepting } = this.#runtime;
    const { message, bodyRef } = taken;
    const process = this.#options.process();
    const arrived = subject(message, message.body, bodyRef);
    let result: ProcessResult | Waits;
    let legs: Leg[];
    try {
      if (process.readsBody && message.body.inline === undefined) await loadBody(arrived);
      const run = {
        cut,
        stopping,
        inPlace: this.#options.whileWaiting === 'hold',
        cameBack: taken.woken,
        onWait: (until: number) => void this.#held.set(message.id, until),
      };
      result = await (process.runOrWait?.(arrived, run) ?? process.run(arrived, cut));
      if (result instanceof Waits) return result;
      // if a process answers itself, its targets do not answer
      const replyTo = result.reply === undefined ? message.replyTo : undefined;
      legs = await route(
        { ...accepting.routing, wiring: accepting.routing.wiring() },
        onLeg(arrived, { ...sentOn(message, this.name), replyTo }),
        { to: result.sends, key: `m${message.id}` },
      );
    } catch (error) {
      if (isGivenBack(error, { stopping, cut })) return await this.#afterOutage(error, stopping);
      return failed(error);
    }
    try {
      await enqueue(accepting, legs);
      await this.#takeAlong(message, result.takes);
    } catch (error) {
      return await this.#afterOutage(error, stopping);
    }
    const error = errorOf(result);
    const owed = legs.some((leg) => leg.message.replyTo !== undefined);
    const own = { reply: result.reply, outcome: outcomeOf(result.status, error) };
    return { result, error, passing: undefined, direct: owed ? directAnswer(legs) : own };
  }

  /** Settles the messages that end with this one, and takes them out of where they wait. */
  async #takeAlong({ id: receivedBy }: Message, takes: TakenAlong | undefined): Promise<void> {
    if (takes === undefined) return;
    const { ids, status, by } = takes;
    await takes.begin();
    for (let at = 0; at < ids.length; at += AT_ONCE) {
      const some = ids.slice(at, at + AT_ONCE);
      await Promise.all(some.map((id) => this.#settleWaiting(id, { status, by, receivedBy })));
    }
    await takes.end();
  }

  async #settleWaiting(
    id: number,
    ending: Pick<OutcomeRecord, 'status' | 'by' | 'receivedBy'>,
  ): Promise<void> {
    const { waiting, settled, steps } = this.#options;
    const { broker, outcomes, clock } = this.#runtime;
    const taken = await waiting.find(this.name, id);
    // it was settled before the engine died
    if (taken === undefined) return;
    const now = clock.now();
    await settle({ broker, outcomes, settled, patience: this.#patience }, taken, {
      host: this.name,
      started: now,
      done: now,
      attempts: 1,
      ...ending,
    });
    await waiting.leave({ id, sequence: taken.sequence });
    steps.ended(id);
  }

  /** Waits briefly, so that a message that cannot be stored does not come back in a tight loop. */
  async #afterOutage(outage: unknown, signal: AbortSignal): Promise<never> {
    await pause(OUTAGE_WAIT, signal);
    throw outage;
  }
}

/** What a process says of its work, for the trace. */
function toldBy(
  result: ProcessResult | undefined,
): Pick<OutcomeRecord, 'explain' | 'states' | 'receivedBy' | 'receivedIds' | 'by'> {
  const { explain, receivedBy, by, states = [], receivedIds = [] } = result ?? {};
  return {
    explain,
    ...(receivedBy === undefined ? {} : { receivedBy }),
    ...(by === undefined ? {} : { by }),
    ...(states.length === 0 ? {} : { states: states.slice(0, TOLD) }),
    ...(receivedIds.length === 0 ? {} : { receivedIds: receivedIds.slice(0, TOLD_MESSAGES) }),
  };
}

/** Whether the process did not end for a reason unrelated to the message. */
function isGivenBack(error: unknown, { stopping, cut }: WorkSignals): boolean {
  return cut.aborted || (stopping.aborted && error === stopping.reason) || isAway(error);
}

/**
 * Whether a retry may succeed, according to the error. A call without an answer in time is not
 * retried: every later run must take the same path, and the call is not made twice.
 */
function mayPass(error: unknown): boolean {
  return isEngineError(error) && error.retryable && error.code !== 'REPLY_TIMEOUT';
}

/** Milliseconds to wait, according to the error. */
function waitOf(error: unknown): number | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('retryAfter' in at && typeof at.retryAfter === 'number') return at.retryAfter;
  }
  return undefined;
}

function failed(caught: unknown): Ran {
  const error = describeError(caught);
  return {
    result: undefined,
    error,
    passing: mayPass(caught) ? { error, after: waitOf(caught) } : undefined,
    direct: { outcome: outcomeOf('suspended', error) },
  };
}

interface Tried {
  readonly ran: Ran | Waits;
  readonly attempts: number;
}

interface Ran {
  readonly result: ProcessResult | undefined;
  readonly error: RecordedError | undefined;
  /** The error, if a retry may help, and how long it asked to wait. */
  readonly passing:
    | { readonly error: RecordedError; readonly after: number | undefined }
    | undefined;
  /** The answer to a waiting sender, if no queue will give it. */
  readonly direct: Answer | undefined;
}
