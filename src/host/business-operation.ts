import type { OpenOutbound, OutboundAdapter } from '../adapter/adapter.ts';
import { isAway } from '../broker/away.ts';
import type { Lease } from '../broker/lease.ts';
import type { Taken } from '../broker/queue.ts';
import type { TakenOver } from '../broker/streams.ts';
import { whileHeld } from '../broker/while-held.ts';
import { background } from '../error/background.ts';
import { describeError } from '../error/engine-error.ts';
import { toldElsewhere, unless } from '../error/foreseen.ts';
import type { Accepting } from '../flow/accept.ts';
import type { Doubts } from '../flow/doubts.ts';
import type { EndOrder } from '../flow/end-message.ts';
import { enqueue } from '../flow/enqueue.ts';
import { outcomeOf } from '../flow/outcome-of.ts';
import { type ReplyRules, replyRules } from '../flow/reply-rules.ts';
import { type Leg, route } from '../flow/route.ts';
import { type Sent, send } from '../flow/send.ts';
import { type Patience, settle, untilStored } from '../flow/settle.ts';
import type { SettledMemory } from '../flow/settled-memory.ts';
import { subject } from '../flow/subject.ts';
import { inlineBody } from '../message/body.ts';
import { sentOn } from '../message/envelope.ts';
import type { Message, Reply } from '../message/message.ts';
import type { Outcome } from '../message/status.ts';
import type { RetryPolicy } from '../time/back-off.ts';
import { orAbort } from '../time/or-abort.ts';
import { Connection } from './connection.ts';
import { endByOrder } from './end-by-order.ts';
import { type Host, HostState, type HostStatus, type Runtime, tellFailedTry } from './host.ts';
import { lend } from './lend.ts';
import { type OtherLines, OtherLinesWork } from './other-lines.ts';
import { HostPatience } from './patience.ts';
import { QueueWorker, type QueueWorkerOptions, type WorkSignals } from './queue-worker.ts';
import { Workers } from './workers.ts';

/** The parts of an operation. */
export interface OperationOptions {
  readonly name: string;
  readonly adapter: OutboundAdapter;
  readonly settings: Readonly<Record<string, unknown>>;
  /** The streams of its queue: one, or one per partition. */
  readonly streams: readonly string[];
  /** Other lines of its queue, of an earlier order. */
  readonly others: OtherLines;
  readonly settled: SettledMemory;
  readonly recollecting: QueueWorkerOptions['recollecting'];
  /** How many messages are worked on at once, for each stream. */
  readonly pool: number;
  /** One strict line: only the engine that holds its lease sends from it, and reads ahead. */
  readonly line: boolean;
  readonly retry: RetryPolicy;
  readonly timeout: number;
  readonly replies: Readonly<Record<string, string | readonly string[]>>;
  /** Hosts that get each answer as a new message. */
  readonly answersTo: readonly string[];
  readonly refusalsTo: readonly string[];
  readonly doubts: Doubts;
  /** Takes over the line for this engine, which holds its lease. */
  readonly takeOver: (stream: string, signal: AbortSignal) => Promise<TakenOver>;
  /** Notes that what is unfinished of a queue that engines share may have been sent. */
  readonly cutOff: (stream: string) => Promise<void>;
  /** Recreates a removed consumer of a stream. */
  readonly restore: (stream: string, pool: number) => Promise<void>;
  /** Reads what other engines recently settled into `settled`. */
  readonly recall: () => Promise<void>;
  /** Permanently switches the host off, because it stopped itself. */
  readonly disable: (reason: string) => Promise<void>;
  /** Returns a reason while nothing is sent and each message is set aside. */
  readonly testing: () => { readonly by: string; readonly reason: string } | undefined;
}

const OUTCOMES: Readonly<Record<Exclude<Sent['action'], 'stop'>, Outcome>> = {
  complete: 'completed',
  fail: 'error',
  suspend: 'suspended',
};

/**
 * How many outcomes of a strict line may be on their way to the disk: a message is sent while the
 * outcome of the previous one is being stored. If the engine and nats-server crash at the same
 * moment, two messages of a line can therefore be repeated. With one, a line alternates between
 * waiting for its peer and for the disk, which costs a third of its rate. With four a backlog leaves
 * a fifth faster, but four could be repeated.
 */
const STORING = 2;

/** Sends messages out through its outbound adapter, in the order of its queue. */
export class BusinessOperation implements Host {
  readonly kind = 'operation';
  readonly name: string;
  readonly #runtime: Runtime;
  readonly #options: OperationOptions;
  readonly #replies: ReplyRules;
  readonly #state: HostState;
  readonly #patience: HostPatience;
  /** Outcomes being stored; above a limit no slot sends its next message. */
  readonly #storing = new Set<Promise<void>>();
  #stop = new AbortController();
  /** Ends the waits of those that are tried again. */
  #wake = new AbortController();
  /** Of its line, while this engine has it. */
  #lease: Lease | undefined;
  #held = new AbortController();
  #holding: Promise<void> | undefined;
  /** Milliseconds that a stop waits for what is in flight. */
  #limit = 10_000;
  /** A transmission was interrupted: the peer may have the message. */
  #cut = false;
  #connection: Connection<OpenOutbound> | undefined;
  readonly #workers = new Workers();

  constructor(runtime: Runtime, options: OperationOptions) {
    this.name = options.name;
    this.#runtime = runtime;
    this.#state = new HostState(runtime.events, this.name);
    this.#patience = new HostPatience(this.#state);
    this.#options = options;
    this.#replies = replyRules(options.replies, options.adapter.replies);
  }

  async start(): Promise<void> {
    if (this.#state.running) return;
    this.#state.running = true;
    this.#stop = new AbortController();
    const { adapter, settings } = this.#options;
    const { events } = this.#runtime;
    this.#connection = new Connection(
      (_, limit) =>
        adapter.open(
          lend(this.#runtime, this.name, {
            settings,
            signal: AbortSignal.any([this.#stop.signal, limit]),
            state: this.#state,
            replies: this.#options.replies,
          }),
        ),
      (reason, next) => this.#lost(reason, next),
    );
    this.#connection.start();
    events.hostStarted(this.name);
    this.#patience.renew();
    this.#held = new AbortController();
    this.#cut = false;
    this.#holding = this.#options.line ? this.#workWhileHeld() : this.#work(this.#held.signal);
  }

  /** Messages waiting in lines of an earlier order go first. */
  async #work(signal: AbortSignal): Promise<void> {
    const others = this.#otherLines();
    await others.first(signal);
    if (signal.aborted) return;
    this.#startWorkers();
    await others.follow(signal);
  }

  #otherLines(): OtherLinesWork {
    const { name, others, line } = this.#options;
    return new OtherLinesWork(this.#runtime, {
      name,
      others,
      held: line,
      work: (stream, takeOver) => {
        const end = this.#workers.start(this.#worker(stream, 1, takeOver));
        return () => end(this.#limit);
      },
    });
  }

  async stop(limit: number): Promise<void> {
    if (!this.#state.running) return;
    this.#state.running = false;
    this.#limit = limit;
    this.#held.abort();
    await this.#holding;
    await this.#stopWorkers();
    await this.#noteCut();
    this.#stop.abort();
    await this.#connection?.close();
    this.#connection = undefined;
    this.#state.ended();
  }

  #workWhileHeld(): Promise<void> {
    const { leases } = this.#runtime;
    const { doubts, streams, takeOver } = this.#options;
    const [stream = ''] = streams;
    return whileHeld(leases, `queue.${this.name}`, {
      signal: this.#held.signal,
      onWaiting: (waiting) => this.#state.awaitsLease('sends', waiting),
      run: async (held, lease) => {
        this.#lease = lease;
        this.#patience.renew();
        const others = this.#otherLines();
        await others.first(held);
        const { until, waits } = await orAbort(takeOver(stream, held), held);
        const uncertain = lease.takenOver || doubts.isWide(stream);
        if (uncertain || waits) await orAbort(this.#options.recall(), held);
        if (uncertain) doubts.raise(stream, { until, most: STORING + 1 });
        this.#state.hasLease();
        this.#cut = false;
        if (!held.aborted) this.#startWorkers();
        await others.follow(held);
        await this.#stopWorkers();
        return this.#cut ? 'unclean' : 'clean';
      },
    });
  }

  /** Whether its line, if it has one, still belongs to this engine. */
  readonly #isOurs = (): boolean => this.#lease?.isHeld() ?? true;

  #startWorkers(): void {
    const { streams, pool, line, takeOver } = this.#options;
    for (const stream of streams) {
      const again = (signal: AbortSignal) => takeOver(stream, signal);
      this.#workers.start(this.#worker(stream, pool, line ? again : undefined));
    }
  }

  #worker(stream: string, slots: number, takeOver: QueueWorkerOptions['takeOver']): QueueWorker {
    const { broker, accepting } = this.#runtime;
    return new QueueWorker({
      broker,
      bodies: accepting.bodies,
      stream,
      settled: this.#options.settled,
      recollecting: this.#options.recollecting,
      slots,
      takeOver,
      handOffs: accepting.handOffs,
      isOurs: this.#isOurs,
      onLeft: () => {
        this.#cut = true;
      },
      restore: () => this.#options.restore(stream, slots),
      handle: (taken, signals) => this.#handle(taken, signals, stream),
      end: (ended) => {
        if (ended.begun) this.#state.retrying = undefined;
        return this.#end(ended);
      },
    });
  }

  async #stopWorkers(): Promise<void> {
    const ended = this.#workers.stop(this.#limit).then(() => Promise.allSettled(this.#storing));
    await this.#patience.within(this.#limit, ended);
    // the peer may get again what it already has
    if (this.#patience.signal.aborted) this.#cut = true;
  }

  /** A line is left to the next engine as unclean. */
  async #noteCut(): Promise<void> {
    const { line, streams, cutOff } = this.#options;
    if (line || !this.#cut) return;
    await Promise.all(streams.map(cutOff)).catch(unless(isAway, 'noting what a stop cut off'));
  }

  retryNow(): void {
    this.#connection?.retryNow();
    this.#wake.abort();
    this.#wake = new AbortController();
  }

  endMessage(id: number, order: EndOrder): Promise<boolean> {
    return this.#workers.end(id, order);
  }

  status(): HostStatus {
    return this.#state.status(this.name, this.kind, this.#workers.inFlight);
  }

  async #handle(taken: Taken, signals: WorkSignals, stream: string): Promise<void> {
    const { clock, events, accepting } = this.#runtime;
    const { testing } = this.#options;
    const test = testing();
    if (test !== undefined) return this.#setAside(taken, test);
    await this.#roomForOutcome();
    const started = clock.now();
    const doubtful = taken.delivery > 1 || this.#options.doubts.about(stream, taken.sequence);
    const possibleDuplicate = doubtful ? true : undefined;
    const message = doubtful ? { ...taken.message, possibleDuplicate } : taken.message;
    const sent = await this.#send(message, signals);
    this.#state.retrying = undefined;
    if (sent.action === 'stop') return this.#disable(taken, sent);
    const status = OUTCOMES[sent.action];
    const done = clock.now();
    if (sent.error !== undefined) this.#state.failed(sent.error.code, sent.error.text);
    const { reply } = sent;
    const { name, answersTo, refusalsTo } = this.#options;
    const to = status === 'completed' ? answersTo : refusalsTo;
    await passOnAnswer(accepting, { name, message, sent, status, to }, this.#patience);
    const stored = settle(
      {
        broker: this.#runtime.broker,
        outcomes: this.#runtime.outcomes,
        settled: this.#options.settled,
        patience: this.#patience,
      },
      taken,
      {
        host: this.name,
        status,
        started,
        done,
        attempts: sent.attempts,
        reply:
          reply === undefined
            ? undefined
            : { type: reply.type, code: reply.code, text: reply.text },
        error: sent.error,
        warning: sent.warning,
        possibleDuplicate,
      },
      reply?.body,
    );
    this.#storing.add(stored);
    background(
      stored.finally(() => this.#storing.delete(stored)),
      `storing an outcome of ${this.name}`,
      () => this.#patience.signal.aborted,
    );
    if (status === 'completed') this.#state.active();
    else await stored;
    events.settled(this.name, message, status, {
      sending: done - started,
      total: done - message.received,
    });
  }

  #setAside(taken: Taken, { by, reason }: { by: string; reason: string }): Promise<void> {
    const order = { status: 'suspended', by, reason: `test mode: ${reason}` } as const;
    return this.#end({ taken, order, begun: false });
  }

  #end(ended: Parameters<typeof endByOrder>[2]): Promise<void> {
    return endByOrder(this.#runtime, { ...this.#options, patience: this.#patience }, ended);
  }

  async #roomForOutcome(): Promise<void> {
    const { line, pool, streams } = this.#options;
    const limit = line ? STORING : pool * streams.length;
    while (this.#storing.size >= limit) {
      // a failure to store it is reported elsewhere
      await Promise.race([...this.#storing].map((stored) => stored.catch(toldElsewhere)));
    }
  }

  async #send(message: Message, signals: WorkSignals): Promise<Sent> {
    const { clock } = this.#runtime;
    const connection = this.#connection;
    const sent = await send(
      message,
      {
        opened: () => connection?.opened,
        adapter: (until) =>
          connection === undefined ? Promise.reject(new Error('stopped')) : connection.get(until),
        whyNotOpen: () => connection?.failure,
        reopen: (adapter, reason) => connection?.reopen(adapter, reason),
        replies: this.#replies,
        retry: this.#options.retry,
        timeout: this.#options.timeout,
        clock,
        wake: () => this.#wake.signal,
        isOurs: this.#isOurs,
        onRetry: (failed) =>
          tellFailedTry(this.#runtime, { name: this.name, state: this.#state }, message, failed),
        onCut: () => {
          this.#cut = true;
        },
      },
      signals,
    );
    if (sent.action === 'complete') connection?.proven();
    return sent;
  }

  async #disable(taken: Taken, sent: Sent): Promise<void> {
    const error = sent.error ?? {
      code: 'ADAPTER_DISABLED',
      text: 'stopped by a reply rule',
      retryable: false,
    };
    this.#state.failed(error.code, error.text);
    // before the message goes back: nothing may overtake it
    this.#workers.halt();
    taken.giveBack();
    this.#runtime.events.hostDisabled(this.name, error);
    // not awaited, since stopping waits for this same message
    background(this.#options.disable(error.text), `switching ${this.name} off`);
  }

  #lost(reason: unknown, next: number): void {
    this.#state.disconnected(describeError(reason), next);
    this.#runtime.events.connectionLost(this.name, reason, next);
  }
}

/** A message whose sending has ended. */
interface Answered {
  /** The host that sent it. */
  readonly name: string;
  readonly message: Message;
  readonly sent: Sent;
  readonly status: Outcome;
  /** The targets that get the answer. */
  readonly to: readonly string[];
}

/**
 * Gives a peer's answer to a waiting sender, and to the targets that get it as a new message. Both
 * happen before the message leaves its queue, so that a crash cannot lose the answer; the keys are
 * derived from the message's, so that the answer to a repetition is stored once. It may be another answer, such as a list
 * that has changed meanwhile: parts of it that were not stored are, and those that were are known by their content.
 */
async function passOnAnswer(
  accepting: Accepting,
  answered: Answered,
  patience: Patience,
): Promise<void> {
  const { message, sent, status, to } = answered;
  const { reply } = sent;
  const { replyTo } = message;
  if (replyTo !== undefined) {
    const outcome = outcomeOf(status, sent.error, message);
    await untilStored(() => accepting.answers.send(replyTo, { reply, outcome }), patience);
  }
  if (to.length === 0) return;
  if (reply === undefined || reply.body.byteLength === 0) return;
  await untilStored(async () => {
    await enqueue(accepting, await legsOf(accepting, answered, reply));
  }, patience);
}

function legsOf(
  { routing }: Accepting,
  { name, message, to }: Answered,
  { body, type }: Reply,
): Promise<Leg[]> {
  const from = {
    ...sentOn(message, name),
    type,
    size: body.byteLength,
    charset: undefined,
    replyTo: undefined,
    resendOf: undefined,
    possibleDuplicate: undefined,
  };
  const output = { body, type };
  return route({ ...routing, wiring: routing.wiring() }, subject(from, inlineBody(body)), {
    to: to.map((target) => ({ to: target, output })),
    key: `a${message.id}`,
    byContent: true,
  });
}
