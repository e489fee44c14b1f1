/**
 * What an engine has settled lately at one host. After a crash of nats-server an acknowledgement may
 * be forgotten (it writes its consumer's state some ten times a second), so a message that is in
 * here must be acknowledged again and never be sent again.
 */
export interface SettledMemory {
  has(id: number): boolean;
  /** `acknowledgeAt` is where its acknowledgement went; left out for what the journal told. */
  add(id: number, acknowledgeAt?: string): void;
  /** Where the acknowledgements of what is remembered went, or of the last `count` of it, oldest first. */
  acknowledgements(count?: number): readonly string[];
}

export function settledMemory(limit = 10_000): SettledMemory {
  const settled = new Map<number, string | undefined>();
  return {
    has: (id) => settled.has(id),
    add(id, acknowledgeAt) {
      settled.set(id, acknowledgeAt);
      if (settled.size > limit) {
        const [oldest] = settled.keys();
        if (oldest !== undefined) settled.delete(oldest);
      }
    },
    acknowledgements: (count = settled.size) =>
      [...settled.values().drop(Math.max(settled.size - count, 0))].filter(
        (at) => at !== undefined,
      ),
  };
}
