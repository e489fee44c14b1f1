import { setTimeout as sleep } from 'node:timers/promises';
import type { Lease, Leases } from './lease.ts';

const SEEK = 2_000;

/**
 * Runs something on the one engine that holds a lease, for as long as it holds it, and again when it
 * gets it again; until the signal aborts. `run` gets a signal that aborts with the lease; it must have
 * let go of everything when it resolves, and tells whether it leaves something half done.
 */
export async function whileHeld(
  leases: Leases,
  name: string,
  {
    signal,
    run,
    onWaiting,
  }: {
    readonly signal: AbortSignal;
    readonly run: (held: AbortSignal, lease: Lease) => Promise<'clean' | 'unclean'>;
    readonly onWaiting: () => void;
  },
): Promise<void> {
  while (!signal.aborted) {
    const lease = await leases.take(name).catch(() => undefined);
    if (lease === undefined) {
      onWaiting();
      await sleep(SEEK, undefined, { signal }).catch(() => undefined);
      continue;
    }
    let end: 'clean' | 'unclean' = lease.takenOver ? 'unclean' : 'clean';
    try {
      end = await run(AbortSignal.any([signal, lease.signal]), lease);
    } catch {
      // NATS was away while it began: sought again with the lease
      await sleep(SEEK, undefined, { signal }).catch(() => undefined);
    } finally {
      await lease.release(end);
    }
  }
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
