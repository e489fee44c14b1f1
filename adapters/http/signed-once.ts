/** Signatures that a service has taken. */
export interface SignedOnce {
  /**
   * The key under which a signed request is stored once: that of the first time its signature was shown. What else
   * tells one request from another, such as an idempotency key, is not signed, and whoever repeats it may change it.
   */
  keyOf(signature: string, key: string): string;
}

/** Many more than are signed within a duplicate window by those who may send at all. */
const REMEMBERED = 20_000;

export function signedOnce(limit = REMEMBERED): SignedOnce {
  const keys = new Map<string, string>();
  return {
    keyOf(signature, key) {
      const known = keys.get(signature);
      if (known !== undefined) return known;
      keys.set(signature, key);
      const [oldest] = keys.keys();
      if (keys.size > limit && oldest !== undefined) keys.delete(oldest);
      return key;
    },
  };
}
