import { DisableError, NotConnectedError } from '../error/adapter-error.ts';

/** How long a refusal is answered from memory. After correcting the password one restarts the host, which tries at once. */
const KEPT = 60_000;
/**
 * Keeps a wrong password from being sent more than once: accounts are locked after a few, and a
 * pool of connections sends many at once. Until a sign-in has succeeded they are made one at a
 * time, and others that wait share a refusal (a DisableError) or a lost connection. A
 * refusal is remembered.
 */
export class SignInGuard {
  readonly #now: () => number;
  #proven = false;
  #trying: Promise<unknown> | undefined;
  #refusal: { readonly error: DisableError; readonly until: number } | undefined;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Runs what connects and signs in. Throws what it throws, or has just thrown for another caller. */
  async run<Value>(connect: () => Promise<Value>): Promise<Value> {
    while (!this.#proven && this.#trying !== undefined) await this.#trying.catch(shared);
    if (this.#refusal !== undefined && this.#now() < this.#refusal.until) throw this.#refusal.error;
    const trying = connect();
    if (!this.#proven) this.#trying ??= trying;
    try {
      const value = await trying;
      this.#proven = true;
      this.#refusal = undefined;
      return value;
    } catch (error) {
      if (error instanceof DisableError) {
        this.#proven = false;
        this.#refusal = { error, until: this.#now() + KEPT };
      }
      throw error;
    } finally {
      if (this.#trying === trying) this.#trying = undefined;
    }
  }
}

function shared(error: unknown): void {
  if (error instanceof DisableError || error instanceof NotConnectedError) throw error;
}
