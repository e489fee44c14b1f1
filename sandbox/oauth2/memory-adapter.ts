import type { Adapter, AdapterPayload } from 'oidc-provider';

const none = async (): Promise<undefined> => undefined;

/** Where the server keeps its tokens and what it has seen: in memory, one map for each kind. */
export function memoryAdapter(): (kind: string) => Adapter {
  const kinds = new Map<string, Map<string, AdapterPayload>>();
  return (kind) => {
    const stored = kinds.get(kind) ?? new Map<string, AdapterPayload>();
    kinds.set(kind, stored);
    return {
      upsert: async (id, payload) => void stored.set(id, payload),
      find: async (id) => stored.get(id),
      destroy: async (id) => void stored.delete(id),
      // Only needed by flows with a user, which the sandbox does not offer.
      findByUserCode: none,
      findByUid: none,
      consume: none,
      revokeByGrantId: none,
    };
  };
}
