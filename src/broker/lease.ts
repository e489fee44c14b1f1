import type { KV, KvEntry } from '@nats-io/kv';
import { EngineError } from '../error/engine-error.ts';
import { tolerate, unless } from '../error/foreseen.ts';
import { pause } from '../time/pause.ts';
import { isAway } from './away.ts';
import { isGone, processIdentity } from './process-identity.ts';

/** Proof of being the only holder of a name among all engines, renewed while held. */
export interface Lease {
  /** Aborted when the lease was lost to another holder or could not be renewed in time. */
  readonly signal: AbortSignal;
  /** The holder before did not end cleanly: it was killed, lost the lease or said so. */
  readonly takenOver: boolean;
  /** Frees it for others. `unclean` tells the next holder that something was left half done. */
  release(how?: 'clean' | 'unclean'): Promise<void>;
}

export interface Leases {
  /** The lease, if nobody else holds it. */
  take(name: string): Promise<Lease | undefined>;
  /** Names below a prefix that others hold. */
  heldByOthers(prefix: string): Promise<string[]>;
}

/** A holder that has not renewed for this long, as another engine sees it, has lost its lease. */
export const LEASE_TIME = 9_000;
const RENEW = 3_000;
/** A holder lets go by itself after this long without a renewal: before any other may take the lease. */
const LET_GO = LEASE_TIME - RENEW;

interface Held {
  readonly holder: string;
  /** The process of the holder: one that is proven to be gone was killed, and its leases are free at once. */
  readonly process: string | undefined;
  /** Nobody holds it, but its last holder did not end cleanly. */
  readonly left?: true;
}

const text = (holder: string): string =>
  JSON.stringify({ holder, process: processIdentity() } satisfies Held);

const LEFT = JSON.stringify({ holder: '', process: undefined, left: true } satisfies Held);

const heldIn = (entry: KvEntry | null): Held | undefined =>
  entry === null || entry.operation !== 'PUT' ? undefined : entry.json<Held>();

/**
 * Leases in the production's state. Clocks of machines differ and are set, so no time is written down
 * or compared: a lease of another holder is over once its revision has stayed the same for the lease
 * time, as measured here from when it was first seen.
 */
export function leases(kv: KV, holder: string): Leases {
  const seen = new Map<string, { revision: number; since: number }>();

  const isExpired = (key: string, revision: number, held: Held): boolean => {
    if (held.left === true || held.holder === holder || isGone(held.process)) return true;
    const before = seen.get(key);
    if (before?.revision === revision) return performance.now() - before.since > LEASE_TIME;
    seen.set(key, { revision, since: performance.now() });
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
      try {
        const revision =
          entry === null || held === undefined
            ? await kv.create(key, text(holder))
            : await kv.update(key, text(holder), entry.revision);
        const takenOver = held !== undefined;
        return { takenOver, ...holdLease(kv, { key, holder, revision, asked }) };
      } catch (error) {
        // another engine was faster
        return tolerate(error, isAway, `taking the lease ${name}`);
      }
    },
    async heldByOthers(prefix) {
      const names: string[] = [];
      for await (const key of await kv.keys(`lease.${prefix}.>`)) {
        const entry = await kv.get(key);
        const held = heldIn(entry);
        if (entry === null || held === undefined || held.holder === holder) continue;
        if (!isExpired(key, entry.revision, held)) names.push(key.slice('lease.'.length));
      }
      return names;
    },
  };
}

/**
 * Frees every lease: for an engine that has just started its NATS server, where no other engine can
 * be. Whoever held one did not end cleanly, which the next holder is told.
 */
export async function freeLeases(kv: KV): Promise<void> {
  for await (const key of await kv.keys('lease.>')) await kv.put(key, LEFT);
}

/** A lease that cannot be freed is over by itself. */
const unfreed = unless(isAway, 'freeing a lease');

function holdLease(
  kv: KV,
  { key, holder, ...first }: { key: string; holder: string; revision: number; asked: number },
): Omit<Lease, 'takenOver'> {
  const lost = new AbortController();
  const released = new AbortController();
  let { revision } = first;
  const lose = (): void =>
    lost.abort(
      new EngineError('BROKER_UNAVAILABLE', `the lease ${key} was lost`, { retryable: true }),
    );
  // a timer of its own: a request to a server that is away may hang for longer than the lease lasts
  let letGo = setTimeout(lose, LET_GO - (performance.now() - first.asked));
  letGo.unref();

  const renew = async (): Promise<void> => {
    const asked = performance.now();
    try {
      revision = await kv.update(key, text(holder), revision);
      clearTimeout(letGo);
      // counted from the question: others saw the new revision after it at the earliest
      letGo = setTimeout(lose, LET_GO - (performance.now() - asked));
      letGo.unref();
      return;
    } catch (error) {
      // a short outage of NATS does not cost the lease
      tolerate(error, isAway, `renewing ${key}`);
    }
    const entry = (await kv.get(key).catch(unless(isAway, `looking at ${key}`))) ?? null;
    const other = heldIn(entry)?.holder;
    if (other !== undefined && other !== holder) lose();
    else if (entry !== null) ({ revision } = entry);
  };

  const stop = AbortSignal.any([lost.signal, released.signal]);
  const loop = async (): Promise<void> => {
    while (!stop.aborted) {
      await pause(RENEW, stop, { ref: false });
      if (!stop.aborted) await renew();
    }
  };
  const ended = loop();

  return {
    signal: lost.signal,
    async release(how = 'clean') {
      released.abort();
      await ended;
      clearTimeout(letGo);
      if (lost.signal.aborted) return;
      if (how === 'clean') await kv.delete(key).catch(unfreed);
      else await kv.update(key, LEFT, revision).catch(unfreed);
    },
  };
}
