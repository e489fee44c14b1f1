/**
 * What an engine has lately settled at one host. After a crash nats-server may have forgotten an
 * acknowledgement (it writes its consumers' state about ten times a second), so a message that is
 * in here must be acknowledged again and never sent again.
 */
export interface SettledMemory {
  has(id: number): boolean;
  /** `acknowledgeAt` is where its acknowledgement went; left out for what came from the journal. */
  add(id: number, acknowledgeAt?: string): void;
  /** Where the acknowledgements of the remembered messages went, or of the last `count`, oldest first. */
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
