import type { OpenOutbound, OutboundAdapter } from '../adapter/adapter.ts';
import type { Taken } from '../broker/queue.ts';
import { takeOverLine } from '../broker/streams.ts';
import { aborted, whileHeld } from '../broker/while-held.ts';
import { describeError } from '../error/engine-error.ts';
import type { EndOrder } from '../flow/end-message.ts';
import { type ReplyRules, replyRules } from '../flow/reply-rules.ts';
import { type Sent, send } from '../flow/send.ts';
import { settle, untilStored } from '../flow/settle.ts';
import type { SettledMemory } from '../flow/settled-memory.ts';
import type { Outcome } from '../message/status.ts';
import type { RetryPolicy } from '../time/back-off.ts';
import { Connection } from './connection.ts';
import { endByOrder, endInHand } from './end-by-order.ts';
import { type Host, HostState, type HostStatus, type Surroundings } from './host.ts';
import { lend } from './lend.ts';
import { QueueWorker } from './queue-worker.ts';

export interface OperationParts {
  readonly name: string;
  readonly adapter: OutboundAdapter;
  readonly settings: Readonly<Record<string, unknown>>;
  /** The streams of its queue: one, or one a partition. */
  readonly streams: readonly string[];
  readonly settled: SettledMemory;
  /** How many messages at once from each stream. */
  readonly pool: number;
  /** One strict line: sent by the one engine that holds its lease, which reads ahead. */
  readonly line: boolean;
  readonly retry: RetryPolicy;
  readonly timeout: number;
  readonly replies: Readonly<Record<string, string | readonly string[]>>;
  /** Switches the host off durably: it stopped itself. */
  readonly disable: (reason: string) => Promise<void>;
  /** Set while nothing goes out: each message is set aside. */
  readonly testing: () => { readonly by: string; readonly reason: string } | undefined;
}

const OUTCOMES: Readonly<Record<Exclude<Sent['action'], 'stop'>, Outcome>> = {
  complete: 'completed',
  fail: 'error',
  suspend: 'suspended',
};

/**
 * How many outcomes of a strict line may be on their way to the disk: the next message is sent while
 * the outcome of the one before is stored. A crash of the engine and of nats-server in the same
 * moment can therefore repeat two messages of a line. With one, a line waits for its peer and for
 * the disk in turn, which costs a third of its rate; with four it gains little more.
 */
const STORING = 2;

/** Sends messages out through its outbound adapter, in the order of its queue. */
export class BusinessOperation implements Host {
  readonly kind = 'operation';
  readonly name: string;
  readonly #surroundings: Surroundings;
  readonly #parts: OperationParts;
  readonly #replies: ReplyRules;
  readonly #state = new HostState();
  /** Outcomes being stored; beyond a limit no slot sends its next message. */
  readonly #storing = new Set<Promise<void>>();
  #stop = new AbortController();
  #held = new AbortController();
  #holding: Promise<void> | undefined;
  /** Milliseconds that a stop waits for what is in flight. */
  #limit = 10_000;
  #connection: Connection<OpenOutbound> | undefined;
  #workers: QueueWorker[] = [];

  constructor(surroundings: Surroundings, parts: OperationParts) {
    this.name = parts.name;
    this.#surroundings = surroundings;
    this.#parts = parts;
    this.#replies = replyRules(parts.replies, parts.adapter.replies);
  }

  async start(): Promise<void> {
    if (this.#state.running) return;
    this.#state.running = true;
    this.#stop = new AbortController();
    const { adapter, settings } = this.#parts;
    const { events } = this.#surroundings;
    this.#connection = new Connection(
      () =>
        adapter.open(
          lend(this.#surroundings, this.name, {
            settings,
            signal: this.#stop.signal,
            state: this.#state,
          }),
        ),
      (reason, next) => this.#lost(reason, next),
    );
    this.#connection.start();
    events.hostStarted(this.name);
    if (this.#parts.line) this.#holding = this.#workWhileHeld();
    else this.#startWorkers();
  }

  async stop(limit: number): Promise<void> {
    if (!this.#state.running) return;
    this.#state.running = false;
    this.#limit = limit;
    this.#held.abort();
    await this.#holding;
    await this.#stopWorkers();
    this.#stop.abort();
    await this.#connection?.close();
    this.#connection = undefined;
    this.#state.connection = undefined;
    this.#state.retrying = undefined;
  }

  #workWhileHeld(): Promise<void> {
    const { leases, broker } = this.#surroundings;
    const [stream = ''] = this.#parts.streams;
    this.#held = new AbortController();
    return whileHeld(leases, `queue.${this.name}`, {
      signal: this.#held.signal,
      onWaiting: () => {
        this.#state.connection = 'waiting';
        this.#state.detail = 'another engine sends';
      },
      run: async (held) => {
        await takeOverLine(broker, stream);
        this.#startWorkers();
        await aborted(held);
        await this.#stopWorkers();
      },
    });
  }

  #startWorkers(): void {
    const { broker, accepting } = this.#surroundings;
    const { streams, settled, pool } = this.#parts;
    this.#workers = streams.map(
      (stream) =>
        new QueueWorker({
          broker,
          bodies: accepting.bodies,
          stream,
          settled,
          slots: pool,
          handle: (taken, signal) => this.#handle(taken, signal),
          end: (taken, order, begun) => {
            if (begun) this.#state.retrying = undefined;
            return endByOrder(this.#surroundings, this.#parts, { taken, order, begun });
          },
        }),
    );
    for (const worker of this.#workers) worker.start();
  }

  async #stopWorkers(): Promise<void> {
    const workers = this.#workers;
    this.#workers = [];
    await Promise.all(workers.map((worker) => worker.stop(this.#limit)));
    await Promise.all(this.#storing);
  }

  retryNow(): void {
    this.#connection?.retryNow();
    this.#wake.abort();
    this.#wake = new AbortController();
  }
  #wake = new AbortController();

  endMessage(id: number, order: EndOrder): Promise<boolean> {
    return endInHand(this.#workers, id, order);
  }

  status(): HostStatus {
    const inFlight = this.#workers.reduce((sum, worker) => sum + worker.inFlight, 0);
    return this.#state.status(this.name, this.kind, inFlight);
  }

  async #handle(taken: Taken, signal: AbortSignal): Promise<void> {
    const { events, accepting } = this.#surroundings;
    const { line, pool, streams, testing } = this.#parts;
    const test = testing();
    if (test !== undefined) return this.#setAside(taken, test);
    const limit = line ? STORING : pool * streams.length;
    while (this.#storing.size >= limit) await Promise.race(this.#storing);
    const started = accepting.routing.clock.now();
    const sent = await this.#send(taken, signal);
    this.#state.retrying = undefined;
    if (sent.action === 'stop') return this.#disable(taken, sent);
    const status = OUTCOMES[sent.action];
    const done = accepting.routing.clock.now();
    const { message } = taken;
    if (sent.error !== undefined) this.#state.failed(sent.error.code, sent.error.text);
    const { reply } = sent;
    if (message.replyTo !== undefined) {
      // before the message leaves its queue, so that a crash cannot swallow the answer
      const { replyTo } = message;
      const outcome = { status, text: sent.error?.text };
      await untilStored(() => accepting.answers.send(replyTo, { reply, outcome }));
    }
    const stored = settle(
      {
        broker: this.#surroundings.broker,
        outcomes: this.#surroundings.outcomes,
        settled: this.#parts.settled,
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
        possibleDuplicate: taken.delivery > 1 ? true : undefined,
      },
      reply?.body,
    );
    this.#storing.add(stored);
    void stored.finally(() => this.#storing.delete(stored));
    if (status === 'completed') this.#state.active();
    else await stored;
    events.settled(this.name, message, status, {
      sending: done - started,
      total: done - message.received,
    });
  }

  #setAside(taken: Taken, { by, reason }: { by: string; reason: string }): Promise<void> {
    const order = { status: 'suspended', by, reason: `test mode: ${reason}` } as const;
    return endByOrder(this.#surroundings, this.#parts, { taken, order, begun: false });
  }

  #send(taken: Taken, signal: AbortSignal): Promise<Sent> {
    const { message } = taken;
    const { accepting, events } = this.#surroundings;
    const connection = this.#connection;
    return send(
      taken.delivery > 1 ? { ...message, possibleDuplicate: true } : message,
      {
        adapter: (until) =>
          connection === undefined ? Promise.reject(new Error('stopped')) : connection.get(until),
        reopen: (adapter, reason) => connection?.reopen(adapter, reason),
        replies: this.#replies,
        retry: this.#parts.retry,
        timeout: this.#parts.timeout,
        clock: accepting.routing.clock,
        wake: () => this.#wake.signal,
        onRetry: ({ attempt, next, error }) => {
          this.#state.retrying = { messageId: message.id, attempt, next };
          this.#state.failed(error.code, error.text);
          events.retrying(this.name, message, { attempt, error });
          const { id, sessionId } = message;
          const at = accepting.routing.clock.now();
          void this.#surroundings.outcomes
            .append({
              record: { kind: 'attempt', id, sessionId, host: this.name, attempt, at, next, error },
            })
            .catch(() => undefined); // tells only of a failed try; the outcome will be stored for certain
        },
      },
      signal,
    );
  }

  async #disable(taken: Taken, sent: Sent): Promise<void> {
    const error = sent.error ?? {
      code: 'ADAPTER_DISABLED',
      text: 'stopped by a reply rule',
      retryable: false,
    };
    this.#state.failed(error.code, error.text);
    // before the message goes back: nothing may overtake it
    for (const worker of this.#workers) worker.halt();
    taken.giveBack();
    this.#surroundings.events.hostDisabled(this.name, error);
    // not awaited: stopping waits for this very message
    void this.#parts.disable(error.text);
  }

  #lost(reason: unknown, next: number): void {
    const { code, text } = describeError(reason);
    this.#state.connection = 'disconnected';
    this.#state.detail = text;
    this.#state.failed(code, text);
    this.#surroundings.events.connectionLost(this.name, reason, next);
  }
}
