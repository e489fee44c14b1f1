import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import type { KV, KvEntry } from '@nats-io/kv';
import { EngineError } from '../error/engine-error.ts';
import { tolerate, unless } from '../error/foreseen.ts';
import { pause } from '../time/pause.ts';
import { isAway } from './away.ts';
import { isGone, processIdentity } from './process-identity.ts';

/** A holder that has not renewed for this long, as another engine sees it, has lost its lease. */
export const LEASE_TIME = 9_000;

/** Milliseconds for which it matters that a holder was there. */
const RECENT = 60_000;

/** The stored content of a lease. */
interface Held {
  readonly holder: string;
  /** The holder's process: if it is proven to be gone, it was killed and its leases are free at once. */
  readonly process: string | undefined;
  /** Nobody has it, but its last holder did not end cleanly. */
  readonly left?: true;
}

const heldBy = (holder: string): string =>
  JSON.stringify({ holder, process: processIdentity() } satisfies Held);

const LEFT_OVER: Held = { holder: '', process: undefined, left: true };
const LEFT = JSON.stringify(LEFT_OVER);

/** Its holder; undefined if there is none. A damaged entry counts as free, since nobody can renew it. */
function heldIn(entry: KvEntry | null): Held | undefined {
  if (entry === null || entry.operation !== 'PUT') return undefined;
  try {
    return entry.json<Held>();
  } catch (error) {
    tolerate(error, (one) => one instanceof SyntaxError, 'reading a lease');
    return LEFT_OVER;
  }
}

/** Whether somebody else wrote first: the expected revision is no longer the last. */
export const isOutrun = (error: unknown): boolean =>
  error instanceof JetStreamApiError &&
  (error.code === JetStreamApiCodes.StreamWrongLastSequence ||
    error.code === JetStreamApiCodes.StreamWrongLastSequenceUnknown);

/** Proof of being the only holder of a name among all engines; renewed while held. */
export interface Lease {
  /** Aborted when the lease was lost to another holder or could not be renewed in time. */
  readonly signal: AbortSignal;
  /** The previous holder did not end cleanly: it was killed, lost the lease or reported it. */
  readonly takenOver: boolean;
  /**
   * Asked before each step that others must not take meanwhile. Looks at the clock, and aborts the
   * signal: a process that stood still gets what has come from the network before its timers.
   */
  isHeld(): boolean;
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
  /**
   * Names below a prefix that are held by others.
   *
   * @param evenGone also those whose holder was killed or ended uncleanly in the last minute
   */
  heldByOthers(prefix: string, also?: { readonly evenGone: boolean }): Promise<string[]>;
}

/**
 * Leases in the production's state. Machines' clocks differ and get adjusted, so no time is written
 * or compared: another holder's lease ends once its revision has been the same for the lease time,
 * measured here from when it was first seen.
 *
 * @param onWritten called with the revision of each write
 */
export function leases(
  kv: KV,
  holder: string,
  onWritten: (revision: number) => void = () => undefined,
): Leases {
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
      onWritten(revision);
      const takenOver = held !== undefined;
      return { takenOver, ...heldLease(kv, { key, holder, revision, asked, onWritten }) };
    },
    seen(name) {
      const last = seen.get(`lease.${name}`);
      if (last === undefined || performance.now() - last.since > LEASE_TIME) return 'stale';
      return last.renewed ? 'renewed' : 'once';
    },
    async heldByOthers(prefix, { evenGone } = { evenGone: false }) {
      const found = await Promise.all(
        (await listKeys(kv, `lease.${prefix}.>`)).map((key) => kv.get(key)),
      );
      const entries = found.filter((entry) => entry !== null);
      // the server's clock, for all of them
      const latest = Math.max(...entries.map(({ created }) => created.getTime()));
      return entries
        .filter((entry) => {
          const held = heldIn(entry);
          if (held === undefined || held.holder === holder) return false;
          const isRecent = latest - entry.created.getTime() < RECENT;
          return !isExpired(entry.key, entry.revision, held) || (evenGone && isRecent);
        })
        .map(({ key }) => key.slice('lease.'.length));
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

/** Milliseconds for one listing, and how often it is tried. */
const LIMIT = 5_000;
const TRIES = 4;
const PAUSE = 250;

/**
 * The keys of a bucket that match a pattern. The client's own listing waits for ever if the server
 * dies meanwhile; this one starts again, and eventually gives up.
 */
async function listKeys(kv: KV, pattern: string): Promise<string[]> {
  for (let tries = 1; tries <= TRIES; tries++) {
    const keys = await onceListed(kv, pattern).catch((error: unknown) =>
      tolerate(error, isAway, 'listing keys of the state'),
    );
    if (keys !== undefined) return keys;
    await pause(PAUSE);
  }
  throw new EngineError('BROKER_UNAVAILABLE', `NATS does not list the keys ${pattern}`, {
    retryable: true,
  });
}

/** Undefined if it did not finish in time. */
async function onceListed(kv: KV, pattern: string): Promise<string[] | undefined> {
  const found: string[] = [];
  const listing = await kv.keys(pattern);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    listing.stop();
  }, LIMIT);
  try {
    for await (const key of listing) found.push(key);
  } finally {
    clearTimeout(timer);
  }
  return late ? undefined : found;
}

const RENEW = 3_000;
/** After this long without a renewal a holder gives up the lease, before anyone else may take it. */
const LET_GO = LEASE_TIME - RENEW;
/** How long the server may take to answer one request about a lease. */
const ANSWER = 1_500;
/** Milliseconds between two tries to renew while the server does not answer. */
const AGAIN = 250;

/** A lease that cannot be freed expires by itself. */
const unfreed = unless((error) => isAway(error) || isOutrun(error), 'freeing a lease');

interface FirstHeld {
  readonly key: string;
  readonly holder: string;
  readonly revision: number;
  readonly asked: number;
  readonly onWritten: (revision: number) => void;
}

/**
 * Renews a lease until it is released or lost. Whatever happens to the server, this is decided here
 * and in time: a request without an answer is repeated, an entry that the server lost or reverted
 * to an older revision is written again, and a lease that could not be renewed in time is given up.
 */
// oxlint-disable-next-line max-lines-per-function -- a factory: its closures share the state above them
function heldLease(
  kv: KV,
  { key, holder, onWritten, ...first }: FirstHeld,
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
  let until = 0;
  const keepFrom = (asked: number): void => {
    clearTimeout(letGo);
    until = asked + LET_GO;
    letGo = setTimeout(lose, Math.max(0, until - performance.now()));
    letGo.unref();
  };
  keepFrom(first.asked);

  /** Returns whether it is decided: renewed or lost. */
  const renew = async (): Promise<boolean> => {
    const asked = performance.now();
    try {
      revision = await answered(kv.update(key, heldBy(holder), revision));
      onWritten(revision);
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
    isHeld() {
      if (!lost.signal.aborted && performance.now() >= until) lose();
      return !lost.signal.aborted;
    },
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
