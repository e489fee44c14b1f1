/** Milliseconds without a new try after a server has not answered. */
const PAUSE = 2_000;

/** The meaning of a failure: the server was not reached, and the error for that. */
export interface Unreached {
  readonly error: Error;
  /** Whether it is stuck or unreachable; otherwise one connection was lost, and the next is made at once. */
  readonly isDown: boolean;
}

/**
 * Guards requests to a server that may get stuck. Requests in progress when it stops answering wait
 * for a bounded time; after that, others are refused at once with the same reason, and only one at
 * a time tries until it answers again.
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
      // any other answer shows that it is reachable
      down = failure?.isDown
        ? { error: failure.error, until: now() + PAUSE, probing: false }
        : undefined;
      throw failure?.error ?? error;
    }
  };
}
