import type { KV } from '@nats-io/kv';
import { EngineError } from '../error/engine-error.ts';
import { tolerate, unless } from '../error/foreseen.ts';
import { pause } from '../time/pause.ts';
import { isAway } from './away.ts';
import type { Lease } from './lease.ts';
import { heldBy, heldIn, isOutrun, LEASE_TIME, LEFT } from './lease-entry.ts';

const RENEW = 3_000;
/** After this long without a renewal a holder gives up the lease, before anyone else may take it. */
const LET_GO = LEASE_TIME - RENEW;
/** How long the server may take to answer one request about a lease. */
const ANSWER = 1_500;
/** Milliseconds between two tries to renew while the server does not answer. */
const AGAIN = 250;

/** A lease that cannot be freed expires by itself. */
const unfreed = unless((error) => isAway(error) || isOutrun(error), 'freeing a lease');

/**
 * Renews a lease until it is released or lost. Whatever happens to the server, this is decided here
 * and in time: a request without an answer is repeated, an entry that the server lost or reverted
 * to an older revision is written again, and a lease that could not be renewed in time is given up.
 */
// oxlint-disable-next-line max-lines-per-function -- a factory: its closures share the state above them
export function heldLease(
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
  let letGo: NodeJS.Timeout | undefined;
  // counted from the request, since others cannot have seen the new revision earlier; it has its
  // own timer, since it must not wait for the server
  const keepFrom = (asked: number): void => {
    clearTimeout(letGo);
    letGo = setTimeout(lose, LET_GO - (performance.now() - asked));
    letGo.unref();
  };
  keepFrom(first.asked);

  /** Returns whether it is decided: renewed or lost. */
  const renew = async (): Promise<boolean> => {
    const asked = performance.now();
    try {
      revision = await answered(kv.update(key, heldBy(holder), revision));
      keepFrom(asked);
      return true;
    } catch (error) {
      // a short outage of NATS does not cost the lease
      tolerate(error, isAway, `renewing the lease ${key}`);
      if (!isOutrun(error)) return false;
    }
    return await lookAgain();
  };

  /**
   * The revision is not the one we knew: the server lost an answer or its last writes, or another
   * engine took the lease.
   */
  const lookAgain = async (): Promise<boolean> => {
    const asked = performance.now();
    try {
      const entry = await answered(kv.get(key));
      if (entry !== null && heldIn(entry)?.holder === holder) {
        ({ revision } = entry);
        return false;
      }
      if (entry !== null) lose();
      else {
        revision = await answered(kv.create(key, heldBy(holder)));
        keepFrom(asked);
      }
      return true;
    } catch (error) {
      return tolerate(error, isAway, `looking at the lease ${key}`) ?? false;
    }
  };

  /** Frees it even if it was not renewed in time, since our name is still in it. */
  const free = async (unclean: boolean): Promise<void> => {
    const entry = await answered(kv.get(key));
    if (entry === null || heldIn(entry)?.holder !== holder) return;
    const previousSeq = entry.revision;
    await answered<unknown>(
      unclean ? kv.update(key, LEFT, previousSeq) : kv.delete(key, { previousSeq }),
    );
  };

  const stop = AbortSignal.any([lost.signal, released.signal]);
  const loop = async (): Promise<void> => {
    while (!stop.aborted) {
      await pause(RENEW, stop, { ref: false });
      while (!stop.aborted && !(await renew())) await pause(AGAIN, stop, { ref: false });
    }
  };
  const ended = loop();

  return {
    signal: lost.signal,
    async release(how = 'clean') {
      released.abort();
      await ended;
      clearTimeout(letGo);
      await free(how === 'unclean' || lost.signal.aborted).catch(unfreed);
    },
  };
}

/** The server's answer, or an error after a while: if the server dies, the client waits longer than a lease lasts. */
async function answered<Answer>(asked: Promise<Answer>): Promise<Answer> {
  const timer = Promise.withResolvers<never>();
  const late = setTimeout(
    () =>
      timer.reject(
        new EngineError('BROKER_UNAVAILABLE', 'NATS does not answer in time', { retryable: true }),
      ),
    ANSWER,
  );
  try {
    return await Promise.race([asked, timer.promise]);
  } finally {
    clearTimeout(late);
  }
}
