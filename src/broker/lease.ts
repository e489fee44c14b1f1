import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KV, KvEntry } from '@nats-io/kv';
import { EngineError } from '../error/engine-error.ts';

/** Proof of being the only holder of a name among all engines, renewed while held. */
export interface Lease {
  /** Aborted when the lease was lost to another holder or could not be renewed in time. */
  readonly signal: AbortSignal;
  release(): Promise<void>;
}

export interface Leases {
  /** The lease, if nobody else holds it. */
  take(name: string): Promise<Lease | undefined>;
  /** Names below a prefix that others hold. */
  heldByOthers(prefix: string): Promise<string[]>;
}

/** A holder that has not renewed for this long has lost its lease. */
export const LEASE_TIME = 9_000;
const RENEW = 3_000;

interface Held {
  readonly holder: string;
  readonly until: number;
  readonly machine: string;
  readonly pid: number;
}

/** A holder on this machine whose process is gone was killed: its leases are free at once. */
function isDead({ machine, pid }: Held): boolean {
  if (machine !== hostname()) return false;
  if (pid === process.pid) return true; // an earlier process of our number: ours are known by holder
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

const text = (holder: string): string =>
  JSON.stringify({
    holder,
    until: Date.now() + LEASE_TIME,
    machine: hostname(),
    pid: process.pid,
  } satisfies Held);

const heldIn = (entry: KvEntry | null): Held | undefined =>
  entry === null || entry.operation !== 'PUT' ? undefined : entry.json<Held>();

/**
 * Leases in the production's state. Clocks of machines differ, so a lease of another holder counts
 * as expired once its revision has stayed the same for the lease time as seen from here, or at once
 * if its own time is over.
 */
export function leases(kv: KV, holder: string): Leases {
  const seen = new Map<string, { revision: number; since: number }>();

  const isExpired = (name: string, revision: number, held: Held): boolean => {
    if (held.holder === holder || held.until < Date.now() || isDead(held)) return true;
    const before = seen.get(name);
    if (before?.revision === revision) return Date.now() - before.since > LEASE_TIME;
    seen.set(name, { revision, since: Date.now() });
    return false;
  };

  return {
    async take(name) {
      const key = `lease.${name}`;
      const entry = await kv.get(key);
      const held = heldIn(entry);
      if (entry !== null && held !== undefined && !isExpired(name, entry.revision, held)) {
        return undefined;
      }
      try {
        const revision =
          entry === null || held === undefined
            ? await kv.create(key, text(holder))
            : await kv.update(key, text(holder), entry.revision);
        return holdLease(kv, key, holder, revision);
      } catch {
        return undefined; // another engine was faster
      }
    },
    async heldByOthers(prefix) {
      const names: string[] = [];
      for await (const key of await kv.keys(`lease.${prefix}.>`)) {
        const held = heldIn(await kv.get(key));
        if (held === undefined || held.holder === holder) continue;
        if (held.until < Date.now() || isDead(held)) continue;
        names.push(key.slice('lease.'.length));
      }
      return names;
    },
  };
}

function holdLease(kv: KV, key: string, holder: string, first: number): Lease {
  const lost = new AbortController();
  const released = new AbortController();
  let revision = first;
  let renewed = Date.now();

  const renew = async (): Promise<void> => {
    try {
      revision = await kv.update(key, text(holder), revision);
      renewed = Date.now();
      return;
    } catch {
      // a short outage of NATS does not cost the lease; another holder or silence does, before others may take it
    }
    const entry = await kv.get(key).catch(() => null);
    const other = heldIn(entry)?.holder;
    if ((other !== undefined && other !== holder) || Date.now() - renewed > LEASE_TIME - RENEW) {
      lost.abort(
        new EngineError('BROKER_UNAVAILABLE', `the lease ${key} was lost`, { retryable: true }),
      );
    } else if (entry !== null) {
      revision = entry.revision;
    }
  };

  const stop = AbortSignal.any([lost.signal, released.signal]);
  const loop = async (): Promise<void> => {
    while (!stop.aborted) {
      await sleep(RENEW, undefined, { signal: stop, ref: false }).catch(() => undefined);
      if (!stop.aborted) await renew();
    }
  };
  const ended = loop();

  return {
    signal: lost.signal,
    async release() {
      released.abort();
      await ended;
      if (!lost.signal.aborted) await kv.delete(key).catch(() => undefined);
    },
  };
}
