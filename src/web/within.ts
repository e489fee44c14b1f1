import { isEngineError } from '../error/engine-error.ts';

/** What a store knows, if it tells within so many milliseconds; undefined where it is away or slow. */
export async function within<Value>(
  limit: number,
  asked: Promise<Value>,
): Promise<Value | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), limit);
  const told = asked.catch((error: unknown) => {
    if (isEngineError(error) && error.code === 'STORE_UNAVAILABLE') return undefined;
    throw error;
  });
  try {
    return await Promise.race([told, late]);
  } finally {
    clearTimeout(timer);
    // nobody waits any longer for what comes late, nor for why it does not
    told.catch(() => undefined);
  }
}
