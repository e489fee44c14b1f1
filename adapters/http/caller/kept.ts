/** Keeps what was loaded for `time` milliseconds, so that a renewed secret is seen soon and files are not read for each request. */
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
      // What failed is tried again by the next who asks.
      if (current === loading) current = undefined;
    });
    return loading;
  };
}
