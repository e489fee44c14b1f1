/** Milliseconds without a new try after a server has not answered. */
const PAUSE = 2_000;

/** What a failure means: the server was not reached, and the error for that. */
export interface Unreached {
  readonly error: Error;
  /** Whether it is stuck or away; otherwise one connection was lost, and the next is made at once. */
  readonly isDown: boolean;
}

/**
 * Guards requests to a server that may get stuck. Those made when it stopped wait for a bounded time; until
 * it answers again, others are refused at once with the same reason, and one at a time tries.
 *
 * @param unreached undefined for a failure of any other kind
 */
export function reachable(
  unreached: (error: unknown) => Unreached | undefined,
  now: () => number = () => performance.now(),
): <Result>(work: () => Promise<Result>) => Promise<Result> {
  let down: { readonly error: Error; readonly until: number; probing: boolean } | undefined;
  return async (work) => {
    if (down !== undefined && (down.probing || now() < down.until)) throw down.error;
    if (down !== undefined) down.probing = true;
    try {
      const result = await work();
      down = undefined;
      return result;
    } catch (error) {
      const failure = unreached(error);
      // whatever else it answers, it is there
      down = failure?.isDown
        ? { error: failure.error, until: now() + PAUSE, probing: false }
        : undefined;
      throw failure?.error ?? error;
    }
  };
}
