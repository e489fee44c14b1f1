import { isEngineError } from '../error/engine-error.ts';
import { toldElsewhere } from '../error/foreseen.ts';

/** A store's answer, if it arrives within `limit` milliseconds; undefined if the store is unreachable or slow. */
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
    // nobody is waiting any more for a late answer, or for the reason why there is none
    told.catch(toldElsewhere);
  }
}
