import { describeError } from '../error/engine-error.ts';
import type { Patience } from '../flow/settle.ts';
import { after } from '../time/timer.ts';
import type { HostState } from './host.ts';

const OUTCOME = 'outcome';

/**
 * Limits how long a host waits for NATS, or for space in another host's queue, to store what it has
 * done. The wait is shown in the host's status, and a stop limits it.
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

  /** Called at a start: there is time to store again. */
  renew(): void {
    if (this.#over.signal.aborted) this.#over = new AbortController();
    this.onStored();
  }

  /** Gives `work` at most `limit` milliseconds; anything not stored by then is given up. */
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
