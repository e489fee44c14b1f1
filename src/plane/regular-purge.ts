import type { KV } from '@nats-io/kv';
import { isAway } from '../broker/away.ts';
import { background } from '../error/background.ts';
import { isTold, tolerate } from '../error/foreseen.ts';
import type { Logger } from '../log/logger.ts';
import { pause } from '../time/pause.ts';
import type { PurgeReport, TraceStore } from '../trace/trace-store.ts';
import { clockLeaps, type SeenClock } from './clock-leap.ts';
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
