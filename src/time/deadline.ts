import { background } from '../error/background.ts';
import type { Foreseen } from '../error/foreseen.ts';
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
   * Waits for work until the deadline, and rejects if it does. Unfinished work then continues by
   * itself.
   *
   * @param foreseen how it may fail later without being reported
   * @returns whether it was done in time
   */
  async within(what: string, work: Promise<unknown>, foreseen?: Foreseen): Promise<boolean> {
    const late = Promise.withResolvers<'late'>();
    const timer = after(this.left, () => late.resolve('late'));
    try {
      if ((await Promise.race([work, late.promise])) !== 'late') return true;
      background(work, what, foreseen);
      return false;
    } finally {
      timer.stop();
    }
  }
}
