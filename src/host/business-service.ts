import type { InboundAdapter, LentInbound, Open } from '../adapter/adapter.ts';
import type { Settings } from '../adapter/setting.ts';
import { aborted, whileHeld } from '../broker/while-held.ts';
import { describeError } from '../error/engine-error.ts';
import { type AcceptingService, accept } from '../flow/accept.ts';
import { Connection } from './connection.ts';
import { type Host, HostState, type HostStatus, type Surroundings } from './host.ts';
import { lend } from './lend.ts';

export interface ServiceParts {
  readonly adapter: InboundAdapter;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly accepting: Omit<AcceptingService, 'onAccepted'>;
}

/**
 * Takes messages in through its inbound adapter. A polling adapter is open only while this engine
 * holds the service's lease, so that of several engines one polls.
 */
export class BusinessService implements Host {
  readonly kind = 'service';
  readonly name: string;
  readonly #surroundings: Surroundings;
  readonly #parts: ServiceParts;
  readonly #state: HostState;
  #inFlight = 0;
  #stop = new AbortController();
  #connection: Connection<Open> | undefined;
  #polling: Promise<void> | undefined;

  constructor(surroundings: Surroundings, parts: ServiceParts) {
    this.name = parts.accepting.name;
    this.#surroundings = surroundings;
    this.#state = new HostState(surroundings.events, this.name);
    this.#parts = parts;
  }

  async start(): Promise<void> {
    if (this.#state.running) return;
    this.#state.running = true;
    this.#stop = new AbortController();
    this.#surroundings.events.hostStarted(this.name);
    if (this.#parts.adapter.polling === true) this.#polling = this.#pollWhileHeld();
    else this.#connection = this.#open(this.#stop.signal);
  }

  async stop(_limit: number): Promise<void> {
    if (!this.#state.running) return;
    this.#state.running = false;
    const connection = this.#connection;
    this.#connection = undefined;
    // the adapter finishes what is in flight before the signal ends its waits
    await connection?.close();
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

  #open(signal: AbortSignal): Connection<Open> {
    const { adapter } = this.#parts;
    const connection = new Connection<Open>(
      (lost) => adapter.open(this.#lend(signal, lost)),
      (reason, next) => this.#lost(reason, next),
    );
    connection.start();
    return connection;
  }

  #pollWhileHeld(): Promise<void> {
    return whileHeld(this.#surroundings.leases, `poll.${this.name}`, {
      signal: this.#stop.signal,
      onWaiting: (waiting) => this.#state.awaitsLease('polls', waiting),
      run: async (held) => {
        this.#state.hasLease();
        const connection = this.#open(held);
        this.#connection = connection;
        await aborted(held);
        await connection.close();
        return 'clean';
      },
    });
  }

  #lend(signal: AbortSignal, lost: (reason: Error) => void): LentInbound<Settings> {
    const deliver = accept(this.#surroundings.accepting, {
      ...this.#parts.accepting,
      onAccepted: (message, receipt, took) => {
        this.#state.active();
        this.#surroundings.events.accepted(
          this.name,
          message,
          receipt.status === 'duplicate',
          took,
        );
      },
    });
    return {
      ...lend(this.#surroundings, this.name, {
        settings: this.#parts.settings,
        signal,
        state: this.#state,
      }),
      lost,
      memory: this.#surroundings.memory(this.name),
      deliver: async (message, options) => {
        this.#inFlight++;
        try {
          const receipt = await deliver(message, options);
          this.#connection?.proven();
          return receipt;
        } catch (error) {
          const { code, text } = describeError(error);
          this.#state.failed(code, text);
          this.#surroundings.events.refused(this.name, error);
          throw error;
        } finally {
          this.#inFlight--;
        }
      },
    };
  }

  #lost(reason: unknown, next: number): void {
    this.#state.disconnected(describeError(reason), next);
    this.#surroundings.events.connectionLost(this.name, reason, next);
  }
}
