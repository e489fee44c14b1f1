import type { KV, KvEntry } from '@nats-io/kv';
import { heldLease } from './held-lease.ts';
import { type Held, heldBy, heldIn, isOutrun, LEASE_TIME, LEFT } from './lease-entry.ts';
import { listKeys } from './list-keys.ts';
import { isGone } from './process-identity.ts';

/** Proof of being the only holder of a name among all engines; renewed while held. */
export interface Lease {
  /** Aborted when the lease was lost to another holder or could not be renewed in time. */
  readonly signal: AbortSignal;
  /** The previous holder did not end cleanly: it was killed, lost the lease or reported it. */
  readonly takenOver: boolean;
  /** Frees it for others. `unclean` tells the next holder that something was left unfinished. */
  release(how?: 'clean' | 'unclean'): Promise<void>;
}

export interface Leases {
  /** Takes the lease if nobody else has it. Rejects if the server does not answer. */
  take(name: string): Promise<Lease | undefined>;
  /**
   * What is known of another holder: `renewed`: it was recently seen to renew the lease; `once`: it
   * was seen once and may be gone; `stale`: it has not renewed it for the lease time, and nobody is
   * doing the work.
   */
  seen(name: string): 'renewed' | 'once' | 'stale';
  /** Names below a prefix that are held by others. */
  heldByOthers(prefix: string): Promise<string[]>;
}

/**
 * Leases in the production's state. Machines' clocks differ and get adjusted, so no time is written
 * or compared: another holder's lease ends once its revision has been the same for the lease time,
 * measured here from when it was first seen.
 */
export function leases(kv: KV, holder: string): Leases {
  const seen = new Map<string, { revision: number; since: number; renewed: boolean }>();

  const isExpired = (key: string, revision: number, held: Held): boolean => {
    if (held.left === true || held.holder === holder || isGone(held.process)) return true;
    const before = seen.get(key);
    if (before?.revision === revision) return performance.now() - before.since > LEASE_TIME;
    seen.set(key, { revision, since: performance.now(), renewed: before !== undefined });
    return false;
  };

  return {
    async take(name) {
      const key = `lease.${name}`;
      const entry = await kv.get(key);
      const held = heldIn(entry);
      if (entry !== null && held !== undefined && !isExpired(key, entry.revision, held)) {
        return undefined;
      }
      const asked = performance.now();
      const revision = await written(kv, key, { text: heldBy(holder), over: entry, held });
      // undefined: another engine was faster
      if (revision === undefined) return undefined;
      seen.delete(key);
      const takenOver = held !== undefined;
      return { takenOver, ...heldLease(kv, { key, holder, revision, asked }) };
    },
    seen(name) {
      const last = seen.get(`lease.${name}`);
      if (last === undefined || performance.now() - last.since > LEASE_TIME) return 'stale';
      return last.renewed ? 'renewed' : 'once';
    },
    async heldByOthers(prefix) {
      const names: string[] = [];
      for (const key of await listKeys(kv, `lease.${prefix}.>`)) {
        const entry = await kv.get(key);
        const held = heldIn(entry);
        if (entry === null || held === undefined || held.holder === holder) continue;
        if (!isExpired(key, entry.revision, held)) names.push(key.slice('lease.'.length));
      }
      return names;
    },
  };
}

/** The revision that was written, or undefined if another engine was faster. */
async function written(
  kv: KV,
  key: string,
  { text, over, held }: { text: string; over: KvEntry | null; held: Held | undefined },
): Promise<number | undefined> {
  try {
    return over === null || held === undefined
      ? await kv.create(key, text)
      : await kv.update(key, text, over.revision);
  } catch (error) {
    if (isOutrun(error)) return undefined;
    throw error;
  }
}

/**
 * Frees every lease: for an engine that has just started its own NATS server, which no other engine
 * can be using. Their holders did not end cleanly, which the next holder learns.
 */
export async function freeLeases(kv: KV): Promise<void> {
  await Promise.all((await listKeys(kv, 'lease.>')).map((key) => kv.put(key, LEFT)));
}
