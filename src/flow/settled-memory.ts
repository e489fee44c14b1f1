/**
 * What an engine has recently settled at one host. After a crash nats-server may have forgotten an
 * acknowledgement (it writes its consumers' state about ten times a second), so a message in here
 * must be acknowledged again and never sent again.
 */
export interface SettledMemory {
  has(id: number): boolean;
  /** `acknowledgeAt` is where its acknowledgement went; left out for messages read from the journal. */
  add(id: number, acknowledgeAt?: string): void;
  /** Where the acknowledgements of the remembered messages, or of the last `count`, went; oldest first. */
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
