import { type Foreseen, tolerate } from '../error/foreseen.ts';
import { after } from './timer.ts';

/** A moment by which several steps have to end. */
export class Deadline {
  readonly #at: number;

  /** @param limit milliseconds from now */
  constructor(limit: number) {
    this.#at = performance.now() + limit;
  }

  /** Milliseconds. */
  get left(): number {
    return Math.max(0, this.#at - performance.now());
  }

  /**
   * Waits for work until the deadline. Unfinished work then continues by itself. Never rejects, so
   * that one part that cannot be ended does not keep the others from it: work that fails, before
   * the deadline or after it, is not done, and that is reported.
   *
   * @param foreseen how it may fail without being reported
   * @returns whether it was done in time
   */
  async within(
    what: string,
    work: Promise<unknown>,
    foreseen: Foreseen = () => false,
  ): Promise<boolean> {
    const done = work.then(
      () => true,
      (error: unknown) => tolerate(error, foreseen, what) ?? false,
    );
    const late = Promise.withResolvers<false>();
    const timer = after(this.left, () => late.resolve(false));
    try {
      return await Promise.race([done, late.promise]);
    } finally {
      timer.stop();
    }
  }
}
