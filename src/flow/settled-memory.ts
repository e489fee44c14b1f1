/**
 * What an engine has settled lately at one host. After a crash of nats-server an acknowledgement may
 * be forgotten (it writes its consumer's state some ten times a second), so a message that is in
 * here must be acknowledged again and never be sent again.
 */
export interface SettledMemory {
  has(id: number): boolean;
  /** `acknowledge` repeats the acknowledgement after a reconnect; left out for what the journal told. */
  add(id: number, acknowledge?: () => void): void;
  /** Repeats the acknowledgements of what is remembered. */
  acknowledgeAgain(): void;
}

export function settledMemory(limit = 10_000): SettledMemory {
  const settled = new Map<number, (() => void) | undefined>();
  return {
    has: (id) => settled.has(id),
    add(id, acknowledge) {
      settled.set(id, acknowledge);
      if (settled.size > limit) {
        const [oldest] = settled.keys();
        if (oldest !== undefined) settled.delete(oldest);
      }
    },
    acknowledgeAgain() {
      for (const acknowledge of settled.values()) acknowledge?.();
    },
  };
}
