import type { KV } from '@nats-io/kv';
import { isAway } from '../broker/away.ts';
import { background } from '../error/background.ts';
import { isTold, tolerate } from '../error/foreseen.ts';
import type { Logger } from '../log/logger.ts';
import { pause } from '../time/pause.ts';
import type { PurgeReport, TraceStore } from '../trace/trace-store.ts';
import { tellLeap } from './trace-losses.ts';

export interface RegularPurge {
  readonly purge: () => Promise<PurgeReport>;
  readonly store: TraceStore;
  readonly kv: KV;
  readonly log: Logger;
  /** Milliseconds between two looks at the clock, and between two purges. */
  readonly look?: number;
  readonly every?: number;
}

const KEY = 'trace.clock';

/**
 * Purges until the signal, but not by a clock that may be wrong. What was seen of the clock is stored beside the leases:
 * a plane that is started again each hour would otherwise never purge.
 */
export async function purgeRegularly(
  { purge, store, kv, log, look = 60_000, every = 10 * 60_000 }: RegularPurge,
  signal: AbortSignal,
): Promise<void> {
  const before = await seenBefore(kv);
  const clock = clockLeaps(before);
  let due = performance.now();
  while (!signal.aborted) {
    const { leap, isTrusted, seen } = clock();
    await kv.put(KEY, JSON.stringify(seen)).catch(unstored);
    if (leap > 0)
      background(tellLeap({ store, log }, leap), 'reporting that the clock was set', isTold);
    if (isTrusted && performance.now() >= due) {
      due = performance.now() + every;
      await purged(purge, log);
    }
    await pause(look, signal, { ref: false });
  }
}

async function purged(purge: RegularPurge['purge'], log: Logger): Promise<void> {
  try {
    const { removed, keptSessions } = await purge();
    if (removed.length > 0)
      log.info({ event: 'trace-purged', days: removed.length, keptSessions }, 'trace-purged');
  } catch (error) {
    log.error({ event: 'purge-failed', err: error }, 'purge-failed');
  }
}

/** Without an answer as if nobody had looked: it is waited for an hour. */
async function seenBefore(kv: KV): Promise<SeenClock | undefined> {
  try {
    const entry = await kv.get(KEY);
    return entry?.operation === 'PUT' ? entry.json<SeenClock>() : undefined;
  } catch (error) {
    return unstored(error);
  }
}

/** That NATS is away is told elsewhere. */
const unstored = (error: unknown): undefined => {
  tolerate(error, isAway, 'keeping what was seen of the clock');
};

/** Milliseconds that the clock may gain on the time that has passed; with more it was set. */
const LEAP = 5 * 60_000;
/** Milliseconds in which people, or NTP, set a wrong one right. */
const WAIT = 60 * 60_000;
/** Milliseconds in which nobody looked after which the clock may be another: the machine was off, or started with a wrong one. */
const UNSEEN = 15 * 60_000;

/** What was seen of the clock since the last look. */
interface ClockLook {
  /** Milliseconds by which it was set ahead; 0 if it was not. */
  readonly leap: number;
  /** Whether what is too old by it may be removed. */
  readonly isTrusted: boolean;
  /** For whoever looks after a restart. */
  readonly seen: SeenClock;
}

export interface SeenClock {
  /** What it said at the last look. */
  readonly at: number;
  /** Milliseconds for which it was not to be trusted from then on. */
  readonly wait: number;
}

/**
 * Notices, when called again and again, that the clock was set ahead: by it everything is older than it was. For an
 * hour, or until it is set back, it is not trusted; nor is it for the first hour, since it may be wrong from the start.
 * That hour goes on over restarts.
 *
 * @param before what was seen before this start
 * @param passed milliseconds that no setting changes
 */
export function clockLeaps(
  before?: SeenClock,
  now = () => Date.now(),
  passed = () => performance.now(),
): () => ClockLook {
  const look = () => ({ at: now(), passed: passed() });
  let last = look();
  const unseen = before === undefined ? Number.POSITIVE_INFINITY : last.at - before.at;
  let waits =
    last.passed +
    (before === undefined || unseen > UNSEEN ? WAIT : before.wait - Math.max(0, unseen));
  return () => {
    const seen = look();
    const gained = seen.at - last.at - (seen.passed - last.passed);
    last = seen;
    if (gained > LEAP) waits = seen.passed + WAIT;
    else if (gained < -LEAP) waits = Number.NEGATIVE_INFINITY;
    return {
      leap: gained > LEAP ? gained : 0,
      isTrusted: seen.passed >= waits,
      seen: { at: seen.at, wait: Math.max(0, waits - seen.passed) },
    };
  };
}
