/**
 * What a promise gives, or the signal's reason as soon as that aborts. What was begun goes on by itself:
 * only who waits for it is let go.
 */
export async function orAbort<Given>(given: Promise<Given>, signal: AbortSignal): Promise<Given> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    const first = Promise.race([given, aborted.promise]);
    if (signal.aborted) abort();
    return await first;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
