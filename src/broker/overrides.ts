import type { KV, KvEntry } from '@nats-io/kv';

export const OVERRIDE_KINDS = ['hold', 'log-level', 'test'] as const;
export type OverrideKind = (typeof OVERRIDE_KINDS)[number];

/** A setting that a person made for a host for a limited time, overriding its file. */
export interface Override {
  readonly host: string;
  /** `hold`: it is stopped. `test`: nothing is sent, each message is set aside. */
  readonly kind: OverrideKind;
  /** For `log-level`. */
  readonly level?: 'debug' | 'info' | 'warn' | 'error' | undefined;
  readonly by: string;
  readonly reason: string;
  readonly at: number;
  /** When it expires; milliseconds since 1970. */
  readonly until: number;
}

/** The overrides of a production: the same for every engine, and kept across restarts. */
export interface OverrideStore {
  /** Those that have not ended. */
  read(): Promise<readonly Override[]>;
  put(override: Override): Promise<void>;
  remove(host: string, kind: OverrideKind): Promise<void>;
}

const without = (before: readonly Override[], host: string, kind: OverrideKind): Override[] =>
  before.filter((one) => one.host !== host || one.kind !== kind);

/** One entry contains all of them: they are few, and every engine reads them every few seconds. */
const KEY = 'overrides';
const TRIES = 10;

export function overrideStore(kv: KV): OverrideStore {
  const change = async (
    to: (before: readonly Override[]) => readonly Override[],
  ): Promise<void> => {
    for (let tries = 1; ; tries++) {
      const entry = await kv.get(KEY);
      const text = JSON.stringify(to(overridesIn(entry)));
      try {
        if (entry === null) await kv.create(KEY, text);
        else await kv.update(KEY, text, entry.revision);
        return;
      } catch (error) {
        if (tries === TRIES) throw error; // otherwise another engine has just changed it
      }
    }
  };
  return {
    read: async () => overridesIn(await kv.get(KEY)),
    put: (override) =>
      change((before) => [...without(before, override.host, override.kind), override]),
    remove: (host, kind) => change((before) => without(before, host, kind)),
  };
}

function overridesIn(entry: KvEntry | null): readonly Override[] {
  if (entry === null || entry.operation !== 'PUT') return [];
  return entry.json<readonly Override[]>().filter(({ until }) => until > Date.now());
}
