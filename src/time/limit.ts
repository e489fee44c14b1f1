import { timerTime } from './timer.ts';

/**
 * The time that one thing after another may take, each at a time. A timer for each would cost as much as much of the work
 * itself: there is one, which goes on while nothing is waited for, and looks when it rings whether the time is over.
 *
 *     off ──begin──► running ──end──► off
 *     running ──so long without `end`──► late, off
 */
export class Limit {
  readonly #late: () => void;
  #due = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  /** When the timer rings. */
  #rings = Number.POSITIVE_INFINITY;

  /** `late` is called once the time of what has begun is over. */
  constructor(late: () => void) {
    this.#late = late;
  }

  /** Something begins that may take so many milliseconds; `Infinity` for any time. */
  begin(time: number): void {
    if (time === Number.POSITIVE_INFINITY) return this.end();
    this.#due = performance.now() + timerTime(time);
    if (this.#due < this.#rings) this.#wait(timerTime(time));
  }

  /** It has ended. */
  end(): void {
    this.#due = Number.POSITIVE_INFINITY;
  }

  /** Leaves no timer behind. */
  close(): void {
    this.end();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#rings = Number.POSITIVE_INFINITY;
  }

  #wait(time: number): void {
    clearTimeout(this.#timer);
    this.#rings = performance.now() + time;
    this.#timer = setTimeout(() => this.#ring(), time);
  }

  #ring(): void {
    this.#timer = undefined;
    this.#rings = Number.POSITIVE_INFINITY;
    const left = this.#due - performance.now();
    if (left === Number.POSITIVE_INFINITY) return;
    // the timer of Node may ring a part of a millisecond early
    if (left >= 1) return this.#wait(left);
    this.end();
    this.#late();
  }
}
