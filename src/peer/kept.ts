import { remembered } from '../time/remembered.ts';

/**
 * Caches what was loaded for `time` milliseconds, so that a renewed secret is used soon, but files
 * are not read for each request. After a failure, the next caller tries again.
 */
export function kept<Value>(load: () => Promise<Value>, time = 5_000): () => Promise<Value> {
  const value = remembered(time, load);
  return () => value.get();
}
