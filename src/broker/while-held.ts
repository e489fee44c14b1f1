import { tolerate, unless } from '../error/foreseen.ts';
import { pause } from '../time/pause.ts';
import { isAway } from './away.ts';
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
    const lease = await leases.take(name).catch(unless(isAway, `asking for the lease ${name}`));
    if (lease === undefined) {
      onWaiting();
      await pause(SEEK, signal);
      continue;
    }
    let end: 'clean' | 'unclean' = lease.takenOver ? 'unclean' : 'clean';
    try {
      end = await run(AbortSignal.any([signal, lease.signal]), lease);
    } catch (error) {
      // NATS was away while it began: sought again with the lease
      tolerate(error, isAway, `working under the lease ${name}`);
      // whatever it had begun may still be half done
      if (!isAway(error)) end = 'unclean';
      await pause(SEEK, signal);
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
