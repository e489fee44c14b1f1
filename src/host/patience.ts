import { describeError } from '../error/engine-error.ts';
import type { Patience } from '../flow/settle.ts';
import { after } from '../time/timer.ts';
import type { HostState } from './host.ts';

const OUTCOME = 'outcome';

/**
 * What a host has done and cannot store waits for NATS, or for room in the queue of another host: it shows in
 * the host's status, and a stop bounds it.
 */
export class HostPatience implements Patience {
  readonly #state: HostState;
  #over = new AbortController();

  constructor(state: HostState) {
    this.#state = state;
  }

  get signal(): AbortSignal {
    return this.#over.signal;
  }

  readonly onRefused = (error: unknown): void => {
    const { code, text } = describeError(error);
    this.#state.failed(code, text);
    this.#state.delays.see(OUTCOME, `what it has sent cannot be settled: ${text}`);
  };

  readonly onStored = (): void => this.#state.delays.over(OUTCOME);

  /** For a start: what is to be stored has time again. */
  renew(): void {
    if (this.#over.signal.aborted) this.#over = new AbortController();
    this.onStored();
  }

  /** Gives `work` at most so many milliseconds; what is not stored then is given up. */
  async within(limit: number, work: Promise<unknown>): Promise<void> {
    const timer = after(limit, () => this.#over.abort());
    try {
      await work;
    } finally {
      timer.stop();
      this.onStored();
    }
  }
}
