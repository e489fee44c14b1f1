/**
 * Remembers tries that stored only some legs of a message, for example because one target's queue
 * is full: those legs are not stored again when the message comes again. JetStream's own memory of
 * message ids ends with the duplicate window, and a queue may be full for longer.
 */
export interface HalfStored {
  isStored(key: string): boolean;
  /** These legs are stored; others of their message are not. */
  keep(keys: readonly string[]): void;
  /** The whole message is stored. */
  forget(keys: readonly string[]): void;
  /** Subjects of queues that accepted nothing when last tried: they are tried before any other leg is stored. */
  readonly full: Set<string>;
}

/** Milliseconds for which a leg is remembered after the last try of its message. */
const WINDOW = 3_600_000;

export function halfStored(window = WINDOW, limit = 100_000): HalfStored {
  const kept = new Map<string, number>();
  return {
    full: new Set(),
    isStored(key) {
      const at = kept.get(key);
      return at !== undefined && performance.now() - at <= window;
    },
    keep(keys) {
      const now = performance.now();
      for (const key of keys) {
        kept.delete(key);
        kept.set(key, now);
      }
      for (const [old, at] of kept) {
        if (kept.size <= limit && now - at <= window) break;
        kept.delete(old);
      }
    },
    forget(keys) {
      if (kept.size > 0) for (const key of keys) kept.delete(key);
    },
  };
}
