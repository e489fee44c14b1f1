import { EngineError } from '../error/engine-error.ts';
import { Limit } from '../time/limit.ts';
import { PassingSet } from '../time/passing.ts';

interface TimeLimit {
  /** Milliseconds that each may take. */
  readonly time: number;
  /** The text of REPLY_TIMEOUT. */
  readonly late: () => string;
  /** Called before one is given up, for its time or for its signal. */
  readonly givenUp: () => void;
}

interface Awaited {
  readonly due: number;
  readonly giveUp: (reason: unknown) => void;
}

/**
 * Work at one peer, each piece awaited as `unlessLate` does. All may take equally long, so the first that began is late
 * first, and one timer does for all of them: one for each costs as much as much of a small message.
 */
export class InTime {
  readonly #given: TimeLimit;
  /** In the order in which they began. */
  readonly #all = new PassingSet<Awaited>();
  readonly #limit = new Limit(() => this.#ring());
  #isClosed = false;

  constructor(given: TimeLimit) {
    this.#given = given;
  }

  /** Waits for work that knows no signal; it goes on if it is given up, and its caller owns its end. */
  run<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
    return new Promise((resolve, reject) => {
      const abort = (): void => one.giveUp(signal.reason);
      const ending =
        <Result>(settle: (result: Result) => void) =>
        (result: Result): void => {
          signal.removeEventListener('abort', abort);
          this.#all.delete(one);
          if (this.#all.size === 0) this.#rest();
          settle(result);
        };
      const fail = ending(reject);
      const one: Awaited = {
        due: performance.now() + this.#given.time,
        giveUp: (reason) => {
          this.#given.givenUp();
          fail(reason);
        },
      };
      signal.addEventListener('abort', abort);
      if (this.#all.size === 0) this.#limit.begin(this.#given.time);
      this.#all.add(one);
      work.then(ending(resolve), fail);
    });
  }

  /** Leaves no timer behind, once what is awaited has ended. */
  close(): void {
    this.#isClosed = true;
    if (this.#all.size === 0) this.#rest();
  }

  #rest(): void {
    if (this.#isClosed) this.#limit.close();
    else this.#limit.end();
  }

  #ring(): void {
    const [first] = this.#all;
    // the one for which the timer was set may have ended, and this one have begun later
    if (first !== undefined && first.due - performance.now() < 1) {
      first.giveUp(new EngineError('REPLY_TIMEOUT', this.#given.late(), { retryable: true }));
    }
    const [next] = this.#all;
    if (next !== undefined) this.#limit.begin(Math.max(1, next.due - performance.now()));
  }
}
