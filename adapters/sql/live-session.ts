import type { SessionFacts } from './database.ts';

/** What the sessions of all products have in common: what is known of the server, and an end that comes once. */
export abstract class LiveSession {
  /** Set once the server has been asked. */
  protected known: SessionFacts | undefined;
  #ended = false;
  #told: (() => void) | undefined;

  get facts(): SessionFacts {
    return this.known ?? { server: '', identity: '', database: '', encryption: '' };
  }

  get alive(): boolean {
    return !this.#ended;
  }

  onEnd(told: () => void): void {
    this.#told = told;
    if (this.#ended) told();
  }

  /** Notes that the connection has ended. */
  protected end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.failPending();
    this.#told?.();
  }

  /** Called once, for requests that the driver would leave without an answer. */
  protected failPending(): void {
    // most drivers fail them themselves
  }

  /** From now on an end is expected, and nobody is told. */
  protected endsAsWanted(): void {
    this.#told = undefined;
  }
}
