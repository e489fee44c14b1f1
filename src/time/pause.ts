import { wait } from './timer.ts';

/**
 * Waits; ends early, without an error, when the signal aborts. Who has to know looks at the signal.
 *
 * @param ref false lets the process end meanwhile
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
