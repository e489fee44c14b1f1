import { wait } from './timer.ts';

/**
 * Waits; ends early, without an error, when the signal aborts. Callers that need to know check the
 * signal.
 *
 * @param ref false lets the process exit meanwhile
 */
export async function pause(
  milliseconds: number,
  signal?: AbortSignal,
  { ref = true }: { readonly ref?: boolean } = {},
): Promise<void> {
  try {
    await wait(milliseconds, { ref, ...(signal === undefined ? {} : { signal }) });
  } catch (error) {
    if (signal?.aborted !== true) throw error;
  }
}
