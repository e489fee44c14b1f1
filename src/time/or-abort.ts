/**
 * The result of a promise, or a rejection with the signal's reason as soon as it aborts. The work
 * itself continues; only the caller stops waiting.
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
