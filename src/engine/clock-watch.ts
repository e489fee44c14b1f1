import type { KV } from '@nats-io/kv';
import { isAway } from '../broker/away.ts';
import { tolerate } from '../error/foreseen.ts';
import type { Events } from '../log/events.ts';
import { type Clock, systemClock } from '../time/clock.ts';
import { describeDuration } from '../time/duration.ts';
import { pause } from '../time/pause.ts';

const KEY = 'clock';
/** Milliseconds by which the clocks of two machines may differ before it is told. */
const TOLERATED = 60_000;
const EVERY = 10 * 60_000;

/**
 * Compares the clock of this machine with that of NATS, which all engines share, until the signal aborts. Nothing that
 * is sent depends on it, but what a person puts on hold for five minutes was never on hold for an engine that is ten
 * minutes ahead.
 */
export async function watchClock(
  { kv, events, clock = systemClock }: { kv: KV; events: Pick<Events, 'told'>; clock?: Clock },
  signal: AbortSignal,
): Promise<void> {
  let told = 0;
  while (!signal.aborted) {
    try {
      const ahead = await aheadOf(kv, clock);
      const isNews = Math.abs(ahead - told) > TOLERATED;
      if (isNews) tell(events, ahead);
      if (isNews) told = ahead;
    } catch (error) {
      tolerate(error, isAway, 'comparing the clock with that of NATS');
    }
    await pause(EVERY, signal, { ref: false });
  }
}

function tell(events: Pick<Events, 'told'>, ahead: number): void {
  if (Math.abs(ahead) <= TOLERATED) {
    events.told(
      '',
      'info',
      'clock-agrees',
      'The clock of this machine agrees with that of NATS again.',
    );
    return;
  }
  const by = describeDuration(Math.abs(Math.round(ahead / 1_000) * 1_000));
  const where = ahead > 0 ? 'ahead of' : 'behind';
  events.told(
    '',
    'warn',
    'clock-differs',
    `The clock of this machine is ${by} ${where} that of the NATS server. Times in the trace are wrong by that, and schedules, holds and waits begin and end here at other times than on other machines. Set both clocks by the network.`,
  );
}

/** Milliseconds, less what asking for it took; 0 if that is not known. */
async function aheadOf(kv: KV, clock: Clock): Promise<number> {
  const began = clock.now();
  await kv.put(KEY, '');
  const entry = await kv.get(KEY);
  const ended = clock.now();
  if (entry === null) return 0;
  const there = entry.created.getTime();
  if (there > ended) return ended - there;
  return there < began ? began - there : 0;
}
