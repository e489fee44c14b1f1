import { isAway } from '../broker/away.ts';
import { toldElsewhere } from '../error/foreseen.ts';
import { after, type Timer } from '../time/timer.ts';
import { type DurableRun, Waits } from './wiring.ts';

/** One thing that a run waits for. */
interface Wait {
  readonly until: number;
  /** Where the answer will be stored; undefined for a sleep. */
  readonly answer: string | undefined;
}

/** How long a call waits in place, milliseconds: most answers come sooner, and setting aside costs two writes. */
const CALL_GRACE = 200;
/** What ends this soon is waited for in place. */
const SOON = 50;

/**
 * Sees when a run of a durable process has nothing to do but to wait. It then ends without an outcome:
 * its code is left where it stands, never goes on, and runs again from the top when it is woken.
 */
export class DurableWaits {
  readonly #run: DurableRun;
  readonly #waits = new Set<Wait>();
  readonly #left = Promise.withResolvers<Waits>();
  /** Steps under way: nothing is left while one of them is. */
  #busy = 0;
  #look: Timer | undefined;
  /** The run was left; nothing that its code still does may have an effect. */
  isLeft = false;

  constructor(run: DurableRun) {
    this.#run = run;
    run.stopping.addEventListener('abort', this.#stop, { once: true });
    // a run that ends otherwise never asks for it
    this.#left.promise.catch(toldElsewhere);
  }

  /** Resolves when the run is left to wait; rejects when it waits and its host stops, and where NATS is away. */
  get left(): Promise<Waits> {
    return this.#left.promise;
  }

  async step<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.isLeft) return never();
    this.#busy += 1;
    this.#look?.stop();
    try {
      return await work();
    } catch (error) {
      return await this.#failed(error);
    } finally {
      this.#busy -= 1;
      this.#consider();
    }
  }

  async wait<Result>(wait: Wait, work: () => Promise<Result>): Promise<Result> {
    if (this.isLeft) return never();
    this.#waits.add(wait);
    this.#consider();
    try {
      const result = await work();
      return this.isLeft ? await never() : result;
    } catch (error) {
      return await this.#failed(error);
    } finally {
      this.#waits.delete(wait);
      this.#look?.stop();
      this.#consider();
    }
  }

  /**
   * Where NATS is away or has no room, the run is left and its message goes back to its queue: the code must not
   * hear of it, since a run that comes after finds another course of things.
   */
  async #failed(error: unknown): Promise<never> {
    if (!this.isLeft) {
      if (!isAway(error)) throw error;
      this.isLeft = true;
      this.#left.reject(error);
    }
    return never();
  }

  /** The run has ended: what its code did not wait for has no effect any more. */
  end(): void {
    this.isLeft = true;
    this.#look?.stop();
    this.#run.stopping.removeEventListener('abort', this.#stop);
  }

  #consider(): void {
    this.#look?.stop();
    if (this.#busy > 0 || this.#waits.size === 0 || this.isLeft) return;
    if (this.#run.stopping.aborted) return this.#stop();
    const [first] = this.#waits;
    const sleeps = this.#waits.size === 1 && first?.answer === undefined;
    this.#look = after(sleeps ? 0 : CALL_GRACE, () => this.#leave());
  }

  #leave(): void {
    const waits = [...this.#waits];
    const until = Math.min(...waits.map((wait) => wait.until));
    if (until - Date.now() < SOON) return;
    if (this.#run.inPlace) return this.#run.onWait(until);
    this.isLeft = true;
    this.#left.resolve(
      new Waits(
        until,
        waits.flatMap(({ answer }) => answer ?? []),
      ),
    );
  }

  readonly #stop = (): void => {
    if (this.#busy > 0 || this.#waits.size === 0 || this.isLeft) return;
    this.isLeft = true;
    this.#left.reject(this.#run.stopping.reason);
  };
}

/** For code that was left: it stands still for ever, and is forgotten with all that it holds. */
function never(): Promise<never> {
  return new Promise(() => undefined);
}
