import { EngineError } from '../error/engine-error.ts';
import { PassingSet } from '../time/passing.ts';
import { timerTime } from '../time/timer.ts';

/**
 * Work at a peer that is awaited until its signal aborts, and then goes on in the background: to
 * clean up after itself, or until the connection is found to be dead.
 */
export interface InFlight {
  /** Waits for the work, but no longer than the signal allows. */
  until<Value>(signal: AbortSignal, work: () => Promise<Value>): Promise<Value>;
  /** Waits for all awaited work, and up to `grace` milliseconds for work that was given up. */
  ended(grace: number): Promise<void>;
}

export function inFlight(): InFlight {
  const waited = new PassingSet<Promise<unknown>>();
  const givenUp = new PassingSet<Promise<unknown>>();
  return {
    async until(signal, work) {
      signal.throwIfAborted();
      const working = work();
      const aborted = Promise.withResolvers<never>();
      const abort = (): void => aborted.reject(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      const result = Promise.race([working, aborted.promise]);
      waited.add(result);
      givenUp.add(working);
      working.then(
        () => givenUp.delete(working),
        () => givenUp.delete(working),
      );
      try {
        return await result;
      } finally {
        waited.delete(result);
        signal.removeEventListener('abort', abort);
      }
    },
    async ended(grace) {
      await Promise.allSettled(waited);
      if (givenUp.size === 0) return;
      const patience = Promise.withResolvers<void>();
      const timer = setTimeout(patience.resolve, grace);
      await Promise.race([Promise.allSettled(givenUp), patience.promise]);
      clearTimeout(timer);
    },
  };
}

/** Waits for work that knows no signal, until the signal aborts; the work then goes on, and its caller owns its end. */
export async function unlessAborted<Value>(
  work: Promise<Value>,
  signal: AbortSignal,
): Promise<Value> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

const replyTimeout = (text: string): EngineError =>
  new EngineError('REPLY_TIMEOUT', text, { retryable: true });

/**
 * As `unlessAborted`, and for so many milliseconds at most; then throws REPLY_TIMEOUT, to be tried again, with the text of
 * `late`. `givenUp` is called in either case, before.
 */
export async function unlessLate<Value>(
  work: Promise<Value>,
  {
    signal,
    time,
    late,
    givenUp,
  }: {
    readonly signal: AbortSignal;
    readonly time: number;
    readonly late: () => string;
    readonly givenUp: () => void;
  },
): Promise<Value> {
  const { promise, resolve, reject } = Promise.withResolvers<Value>();
  const giveUp = (reason: unknown): void => {
    givenUp();
    reject(reason);
  };
  const abort = (): void => giveUp(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  const timer = setTimeout(() => giveUp(replyTimeout(late())), timerTime(time));
  work.then(resolve, reject);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}
