import { setTimeout as pause } from 'node:timers/promises';

/** The longest time for one timer of Node, in milliseconds: with more than 24.8 days it fires at once. */
const LONGEST = 2 ** 31 - 1;

/**
 * A time for one timer of Node: anything longer than it can wait is cut to that. For limits of
 * connections, where it does not matter whether the end comes after 24 days or later.
 */
export const timerTime = (time: number): number => Math.min(time, LONGEST);

export interface Timer {
  /** Cancels it if it has not run yet. */
  stop(): void;
}

/** Runs something once, after any time; `Infinity` means never. */
export function after(time: number, run: () => void, { ref = true } = {}): Timer {
  const end = performance.now() + time;
  let handle: NodeJS.Timeout | undefined;
  const next = (): void => {
    const left = end - performance.now();
    handle = left > LONGEST ? setTimeout(next, LONGEST) : setTimeout(run, Math.max(0, left));
    if (!ref) handle.unref();
  };
  if (time <= LONGEST) {
    // Node warns of a time that has passed already
    handle = setTimeout(run, Math.max(0, time));
    if (!ref) handle.unref();
  } else if (time !== Number.POSITIVE_INFINITY) next();
  return { stop: () => clearTimeout(handle) };
}

/** Waits for any time, even longer than one timer can. Rejects when the signal aborts. */
export async function wait(
  time: number,
  { signal, ref = true }: { readonly signal?: AbortSignal; readonly ref?: boolean } = {},
): Promise<void> {
  const end = performance.now() + time;
  do {
    const left = Math.max(0, end - performance.now());
    await pause(Math.min(left, LONGEST), undefined, { ref, ...(signal && { signal }) });
  } while (performance.now() < end && time > LONGEST);
}

/** A signal that aborts after any time, like `AbortSignal.timeout`; to be stopped when no longer needed. */
export function timeLimit(time: number): Timer & { readonly signal: AbortSignal } {
  const late = new AbortController();
  const timer = after(
    time,
    () => late.abort(new DOMException('it took too long', 'TimeoutError')),
    { ref: false },
  );
  return { signal: late.signal, stop: () => timer.stop() };
}
