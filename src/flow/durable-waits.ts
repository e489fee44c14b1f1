import { isAway } from '../broker/away.ts';
import { toldElsewhere } from '../error/foreseen.ts';
import { after, type Timer } from '../time/timer.ts';
import { type DurableRun, Waits } from './wiring.ts';

/** Something that a run waits for. */
interface Wait {
  readonly until: number;
  /** Where the answer will be stored; undefined for a sleep. */
  readonly answer: string | undefined;
}

/** Milliseconds that a call waits in place: most answers come sooner, and setting aside costs two writes. */
const CALL_GRACE = 200;
/** A wait shorter than this (milliseconds) happens in place. */
const SOON = 50;

/**
 * Detects when a run of a durable process can do nothing but wait. The run then ends without an
 * outcome: its code is abandoned where it is, never continues, and runs again from the top when
 * woken.
 */
export class DurableWaits {
  readonly #run: DurableRun;
  readonly #waits = new Set<Wait>();
  readonly #left = Promise.withResolvers<Waits>();
  /** Steps in progress: the run is not abandoned while there are any. */
  #busy = 0;
  #look: Timer | undefined;
  /** The run was abandoned; nothing that its code still does may have an effect. */
  isLeft = false;
  /** The code has sent, called, waited or kept something. */
  hasActed = false;

  constructor(run: DurableRun) {
    this.#run = run;
    run.stopping.addEventListener('abort', this.#stop, { once: true });
    // a run that ends in another way never needs it
    this.#left.promise.catch(toldElsewhere);
  }

  /**
   * Resolves when the run is abandoned to wait; rejects when it waits and its host stops, or if
   * NATS is unreachable.
   */
  get left(): Promise<Waits> {
    return this.#left.promise;
  }

  async step<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.isLeft) return never();
    this.hasActed = true;
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
    this.hasActed = true;
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
   * If NATS is unreachable or full, the run is abandoned and its message goes back to its queue.
   * The code must not notice, since a later run would then take a different path.
   */
  async #failed(error: unknown): Promise<never> {
    if (!this.isLeft) {
      if (!isAway(error)) throw error;
      this.isLeft = true;
      this.#left.reject(error);
    }
    return never();
  }

  /** The run has ended: whatever its code did not await has no effect any more. */
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

/** For abandoned code: it waits for ever, and is garbage collected with everything it references. */
function never(): Promise<never> {
  return new Promise(() => undefined);
}
