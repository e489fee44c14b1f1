import type { KV } from '@nats-io/kv';
import { background } from '../error/background.ts';
import { EngineError } from '../error/engine-error.ts';
import { tolerate, unless } from '../error/foreseen.ts';
import { ENGINE_NUMBERS, type IdRange, type IdSource, idSource } from '../message/id.ts';
import { type Clock, systemClock } from '../time/clock.ts';
import { pause } from '../time/pause.ts';
import { isAway } from './away.ts';
import { isOutrun } from './lease.ts';

/** Milliseconds of ids that are reserved beyond the present. */
const AHEAD = 10_000;
const RENEW = 3_000;
/** What an engine that cannot reserve more may exceed its range by, and so the gap to the next one. */
const GAP = 5_000;
/** Milliseconds until a reservation is tried again. */
const AGAIN = 500;
const TRIES = 5;
/** Milliseconds that ids may be ahead of the clock before another number is taken, whose ids are not. */
const FAR = 60_000;

export interface ReservedIds extends IdSource {
  /** Ends the reservation: what was not used of it is free for the next engine. */
  release(): Promise<void>;
}

/** A reservation as it was written: ids with this number, up to this time in milliseconds since 1970. */
interface Reserved extends Required<IdRange> {
  readonly revision: number;
}

/**
 * Message ids that no other engine makes and none has ever made, whatever the clocks say: after a
 * clock is set back, an engine that starts again would make the ids of messages that exist, and
 * what has the id of a settled message is not sent. Each engine number has one entry with the time
 * up to which its ids may be in use, moved on by compare-and-set before they are made. A number
 * whose ids are not over yet is left alone. An engine whose clock was ahead and has been set back takes another one:
 * its messages would belong to a day to come, be found under no time of today and be kept until then.
 *
 * @param own the engine's number, whose ids engines of earlier versions make without reserving them; if its ids are
 * not over yet, the highest number is taken that is
 */
export async function reservedIds(
  kv: KV,
  own: number,
  clock: Clock = systemClock,
): Promise<ReservedIds> {
  const numbers = [
    own,
    ...Array.from({ length: ENGINE_NUMBERS }, (_, n) => ENGINE_NUMBERS - 1 - n),
  ];
  const range = { ...(await reserved(kv, numbers, clock)) };
  const ids = idSource(range, clock);
  const ended = new AbortController();
  const move = async (): Promise<void> => {
    try {
      const used = Math.max(ids.last, range.from);
      const other = used - clock.now() > FAR ? await free(kv, numbers, clock.now()) : range;
      const next = other.from <= clock.now() ? other : range;
      const until = Math.max(clock.now(), next === range ? used : 0) + AHEAD;
      const revision = await write(kv, next.value, until, next.revision);
      Object.assign(range, next, { until, revision });
    } catch (error) {
      if (!isOutrun(error)) throw error;
      // by another engine, or by a write of ours without an answer: the range that is left is not used
      Object.assign(range, await reserved(kv, numbers, clock, ids.last));
    }
  };
  const keep = async (): Promise<void> => {
    for (let wait = RENEW; ; ) {
      await pause(wait, ended.signal, { ref: false });
      if (ended.signal.aborted) return;
      try {
        await move();
        wait = RENEW;
      } catch (error) {
        tolerate(error, isAway, 'reserving message ids');
        wait = AGAIN;
      }
    }
  };
  const kept = keep();
  background(kept, 'reserving message ids');
  return {
    next: () => ids.next(),
    get last() {
      return ids.last;
    },
    async release() {
      ended.abort();
      await kept;
      const used = Math.max(ids.last, range.from) - GAP;
      await write(kv, range.value, used, range.revision).catch(
        unless((error) => isAway(error) || isOutrun(error), 'freeing message ids'),
      );
    },
  };
}

const keyOf = (number: number): string => `ids.${number}`;

/** The new revision. Rejects if the last one is not as given; 0: there is none. */
const write = (kv: KV, number: number, until: number, previousSeq: number): Promise<number> =>
  kv.put(keyOf(number), String(until), { previousSeq });

/** Reserves ids of the first number whose ids are all in the past, or of the one that is the least ahead. */
async function reserved(
  kv: KV,
  numbers: readonly number[],
  clock: Clock,
  last = 0,
): Promise<Reserved> {
  for (let tries = 1; ; tries++) {
    try {
      const found = await free(kv, numbers, Math.max(clock.now(), last));
      const until = Math.max(clock.now(), last, found.from) + AHEAD;
      const revision = await write(kv, found.value, until, found.revision);
      return { ...found, until, revision };
    } catch (error) {
      // another engine was faster, or NATS is just starting
      if (tries === TRIES || !(isOutrun(error) || isAway(error))) throw error;
      await pause(AGAIN);
    }
  }
}

async function free(
  kv: KV,
  numbers: readonly number[],
  now: number,
): Promise<Omit<Reserved, 'until'>> {
  let best: Omit<Reserved, 'until'> | undefined;
  for (const value of numbers) {
    const entry = await kv.get(keyOf(value));
    const used = entry === null ? 0 : Number(entry.string());
    // a damaged entry says nothing: its number is not used again
    if (Number.isNaN(used)) continue;
    const one = { value, from: used + GAP, revision: entry?.revision ?? 0 };
    if (one.from <= now) return one;
    if (best === undefined || one.from < best.from) best = one;
  }
  if (best !== undefined) return best;
  throw new EngineError('BROKER_UNAVAILABLE', 'no engine number is left for message ids', {
    retryable: false,
  });
}
