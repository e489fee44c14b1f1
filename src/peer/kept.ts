/**
 * Caches what was loaded for `time` milliseconds, so that a renewed secret is used soon, but files
 * are not read for each request.
 */
export function kept<Value>(load: () => Promise<Value>, time = 5_000): () => Promise<Value> {
  let current: Promise<Value> | undefined;
  let until = 0;
  return () => {
    const now = performance.now();
    if (current !== undefined && now < until) return current;
    until = now + time;
    const loading = load();
    current = loading;
    loading.catch(() => {
      // After a failure, the next caller tries again.
      if (current === loading) current = undefined;
    });
    return loading;
  };
}
