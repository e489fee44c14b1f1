/**
 * How an operation retries: `every` × `backoff`^n milliseconds, at most `max`, until `for` has
 * passed since the first try. A message waits up to `disconnected` milliseconds for a connection,
 * which do not count towards `for`.
 */
export interface RetryPolicy {
  readonly every: number;
  readonly for: number;
  readonly backoff: number;
  readonly max: number;
  readonly disconnected: number;
}

/** The wait before try number `tries + 1`, in milliseconds. */
export function retryDelay(
  policy: Pick<RetryPolicy, 'every' | 'backoff' | 'max'>,
  tries: number,
): number {
  const delay = policy.every * policy.backoff ** Math.max(0, tries - 1);
  return Math.min(delay, policy.max);
}

/**
 * The wait before opening a connection again: 100 ms doubling to `max`, with ±20 % jitter, so that
 * hosts do not reconnect in step.
 */
export function reopenDelay(tries: number, max = 10_000): number {
  const delay = Math.min(100 * 2 ** Math.min(tries, 20), max);
  return delay * (0.8 + Math.random() * 0.4);
}

/** After repeated refusals: the first pause, doubled each time, up to the last one. */
const FIRST_PAUSE = 5 * 60_000;
const LONGEST_PAUSE = 60 * 60_000;

/**
 * Milliseconds to wait after this many refusals in a row, where only a person can help: accounts are
 * locked after a few wrong passwords, and many directories forget them after half an hour.
 */
export function refusedPause(refusals: number): number {
  return Math.min(FIRST_PAUSE * 2 ** (refusals - 1), LONGEST_PAUSE);
}
