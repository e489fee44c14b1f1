import type { InboundAdapter, LentInbound, Open } from '../adapter/adapter.ts';
import type { Settings } from '../adapter/setting.ts';
import type { Lease } from '../broker/lease.ts';
import { aborted, whileHeld } from '../broker/while-held.ts';
import { describeError, EngineError } from '../error/engine-error.ts';
import { type AcceptingService, accept } from '../flow/accept.ts';
import { after } from '../time/timer.ts';
import { Connection } from './connection.ts';
import { type Host, HostState, type HostStatus, type Runtime } from './host.ts';
import { lend } from './lend.ts';

export interface ServiceOptions {
  readonly adapter: InboundAdapter;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly accepting: Omit<AcceptingService, 'onAccepted'>;
}

/**
 * Receives messages through its inbound adapter. A polling adapter is open only while this engine
 * holds the service's lease, so that only one of several engines polls.
 */
export class BusinessService implements Host {
  readonly kind = 'service';
  readonly name: string;
  readonly #runtime: Runtime;
  readonly #options: ServiceOptions;
  readonly #state: HostState;
  #inFlight = 0;
  #stop = new AbortController();
  #connection: Connection<Open> | undefined;
  #polling: Promise<void> | undefined;

  constructor(runtime: Runtime, options: ServiceOptions) {
    this.name = options.accepting.name;
    this.#runtime = runtime;
    this.#state = new HostState(runtime.events, this.name);
    this.#options = options;
  }

  async start(): Promise<void> {
    if (this.#state.running) return;
    this.#state.running = true;
    this.#stop = new AbortController();
    this.#runtime.events.hostStarted(this.name);
    const { adapter, settings } = this.#options;
    const polls = adapter.polling ?? adapter.pollsWith?.(settings) ?? false;
    if (polls) this.#polling = this.#pollWhileHeld();
    else this.#connection = this.#open(this.#stop.signal);
  }

  async stop(limit: number): Promise<void> {
    if (!this.#state.running) return;
    this.#state.running = false;
    const connection = this.#connection;
    this.#connection = undefined;
    // nothing is in flight with a peer that is not reached yet
    if (connection?.isOpening === true) this.#stop.abort();
    // the adapter finishes what is in flight before the signal ends its waits
    const forced = after(limit, () => this.#stop.abort());
    await connection?.close();
    forced.stop();
    this.#stop.abort();
    await this.#polling;
    this.#state.ended();
  }

  retryNow(): void {
    this.#connection?.retryNow();
  }

  status(): HostStatus {
    return this.#state.status(this.name, this.kind, this.#inFlight);
  }

  #open(signal: AbortSignal, lease?: Lease): Connection<Open> {
    const { adapter } = this.#options;
    const connection = new Connection<Open>(
      (lost, limit) => adapter.open(this.#lend(AbortSignal.any([signal, limit]), lost, lease)),
      (reason, next) => this.#lost(reason, next),
    );
    connection.start();
    return connection;
  }

  #pollWhileHeld(): Promise<void> {
    return whileHeld(this.#runtime.leases, `poll.${this.name}`, {
      signal: this.#stop.signal,
      onWaiting: (waiting) => this.#state.awaitsLease('polls', waiting),
      run: async (held, lease) => {
        this.#state.hasLease();
        const connection = this.#open(held, lease);
        this.#connection = connection;
        await aborted(held);
        await connection.close();
        return 'clean';
      },
    });
  }

  /** With a lease, what it takes and notes ends with that: its signal may come after I/O if the process stood still. */
  #lend(
    signal: AbortSignal,
    lost: (reason: Error) => void,
    lease: Lease | undefined,
  ): LentInbound<Settings> {
    const isOurs = lease === undefined ? undefined : () => lease.isHeld();
    const deliver = accept(this.#runtime.accepting, {
      ...this.#options.accepting,
      onAccepted: (message, receipt, took) => {
        this.#state.active();
        this.#runtime.events.accepted(this.name, message, receipt.status === 'duplicate', took);
      },
    });
    return {
      ...lend(this.#runtime, this.name, {
        settings: this.#options.settings,
        signal,
        state: this.#state,
      }),
      lost,
      memory: this.#runtime.memory(this.name, isOurs),
      signIn: this.#runtime.signIn,
      deliver: async (message, options) => {
        this.#inFlight++;
        try {
          if (isOurs?.() === false) throw pollsElsewhere();
          const receipt = await deliver(message, options);
          this.#connection?.proven();
          return receipt;
        } catch (error) {
          const { code, text } = describeError(error);
          this.#state.failed(code, text);
          this.#runtime.events.refused(this.name, error);
          throw error;
        } finally {
          this.#inFlight--;
        }
      },
    };
  }

  #lost(reason: unknown, next: number): void {
    this.#state.disconnected(describeError(reason), next);
    this.#runtime.events.connectionLost(this.name, reason, next);
  }
}

const pollsElsewhere = (): EngineError =>
  new EngineError('BROKER_UNAVAILABLE', 'another engine polls', { retryable: true });
