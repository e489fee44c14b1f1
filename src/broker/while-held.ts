import { JetStreamApiError } from '@nats-io/jetstream';
import { describeError } from '../error/engine-error.ts';
import { tolerate } from '../error/foreseen.ts';
import { pause } from '../time/pause.ts';
import { after } from '../time/timer.ts';
import { isAway, isWithoutRoom } from './away.ts';
import type { Lease, Leases } from './lease.ts';

const SEEK = 2_000;
/** Milliseconds after which a server that does not answer is considered unreachable. */
const ANSWER = 1_500;
const AWAY = 'NATS does not answer';

/** Why this engine is not doing something that only one engine may do. */
export interface Waiting {
  /** Undefined if another engine holds the lease; otherwise the reason why nobody is doing it. */
  readonly problem: string | undefined;
  /** Whether that is that NATS has no room for the lease. */
  readonly isWithoutRoom?: boolean;
  /** Whether that engine was seen renewing it. One that was seen only once may be gone. */
  readonly renewed?: boolean;
}

export interface WhileHeld {
  readonly signal: AbortSignal;
  /**
   * Gets a signal that aborts with the lease. It must have released everything when it resolves,
   * and returns whether it leaves something unfinished.
   */
  readonly run: (held: AbortSignal, lease: Lease) => Promise<'clean' | 'unclean'>;
  /** Called repeatedly while it waits. */
  readonly onWaiting: (waiting: Waiting) => void;
}

/** Runs something in one process at a time, however many try, until `stopping` aborts. */
export type Alone = (
  run: (held: AbortSignal) => Promise<void>,
  stopping: AbortSignal,
) => Promise<void>;

/**
 * Runs something on the one engine that holds a lease, for as long as it holds it, and again
 * whenever it gets it back; until the signal aborts.
 */
export async function whileHeld(
  leases: Leases,
  name: string,
  { signal, run, onWaiting }: WhileHeld,
): Promise<void> {
  while (!signal.aborted) {
    const lease = await taken(leases, name, onWaiting);
    if (lease === undefined) {
      await pause(SEEK, signal);
      continue;
    }
    const held = AbortSignal.any([signal, lease.signal]);
    let end: 'clean' | 'unclean' = lease.takenOver ? 'unclean' : 'clean';
    try {
      end = await run(held, lease);
    } catch (error) {
      // lost or stopped while starting
      if (held.aborted) continue;
      // NATS was unreachable while starting: retried with the lease
      tolerate(error, isAway, `working under the lease ${name}`);
      // what it had started may be unfinished
      if (!isAway(error)) end = 'unclean';
      onWaiting({ problem: describeError(error).text });
      await pause(SEEK, signal);
    } finally {
      await lease.release(end);
    }
  }
}

async function taken(
  leases: Leases,
  name: string,
  onWaiting: WhileHeld['onWaiting'],
): Promise<Lease | undefined> {
  // the client keeps asking for longer, and the last reason no longer applies
  const silent = after(ANSWER, () => onWaiting({ problem: AWAY }), { ref: false });
  try {
    const lease = await leases.take(name);
    if (lease === undefined) {
      const seen = leases.seen(name);
      const problem = seen === 'stale' ? 'its lease is held but not renewed' : undefined;
      onWaiting({ problem, renewed: seen === 'renewed' });
    }
    return lease;
  } catch (error) {
    tolerate(error, isAway, `asking for the lease ${name}`);
    const { code, text } = describeError(error);
    const problem = error instanceof JetStreamApiError ? text : `${AWAY} (${code})`;
    onWaiting({ problem, isWithoutRoom: isWithoutRoom(error) });
    return undefined;
  } finally {
    silent.stop();
  }
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
