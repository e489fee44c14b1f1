import { type Clock, systemClock } from '../time/clock.ts';

/** 2025-01-01T00:00:00Z: ids count milliseconds from here. */
const ID_EPOCH = Date.UTC(2025, 0, 1);
/** Engines that may make ids at once. */
export const ENGINE_NUMBERS = 64;
const PER_MILLISECOND = 64;
const SHIFT = 4096;

/** Makes message ids. One per engine. */
export interface IdSource {
  next(): number;
  /** The time in the last id with the present number, in milliseconds since 1970; `ID_EPOCH` before the first. */
  readonly last: number;
}

/** The ids that an engine may make. Read for each id, since an engine's number may change. */
export interface IdRange {
  /** The engine's number, 0 to 63. */
  readonly value: number;
  /** Milliseconds since 1970 after which, and up to which, nobody else makes ids with this number. */
  readonly from?: number;
  readonly until?: number;
}

/**
 * Message ids are 53-bit integers ordered by time: 41 bits of milliseconds since `ID_EPOCH`, 6 bits
 * of engine number, 6 bits of sequence. Above 64 ids in a millisecond the source borrows from the
 * next one, so it never waits and never repeats, also when the clock is set back. Another number begins anew within
 * its range.
 */
export function idSource(engine: IdRange, clock: Clock = systemClock): IdSource {
  const engineOf = (): number => {
    const { value } = engine;
    if (Number.isInteger(value) && value >= 0 && value < ENGINE_NUMBERS) return value;
    throw new RangeError(`engine number ${value} is not 0 to 63`);
  };
  let time = 0;
  let sequence = 0;
  /** The number of the last id. */
  let made = -1;
  return {
    get last() {
      return engine.value === made ? time + ID_EPOCH : ID_EPOCH;
    },
    next() {
      const number = engineOf();
      const { from = ID_EPOCH, until = Number.POSITIVE_INFINITY } = engine;
      const now = Math.min(Math.max(clock.now(), from + 1), until) - ID_EPOCH;
      if (now > time || number !== made) {
        time = now;
        sequence = 0;
        made = number;
      } else if (++sequence === PER_MILLISECOND) {
        time += 1;
        sequence = 0;
      }
      return time * SHIFT + number * PER_MILLISECOND + sequence;
    },
  };
}

/** When the id was made, in milliseconds since 1970. */
export function timeOfId(id: number): number {
  return Math.floor(id / SHIFT) + ID_EPOCH;
}

/** The smallest id that can be made at or after a time: a bound for searches by time. */
export function idAtTime(time: number): number {
  return Math.min(Math.max(0, time - ID_EPOCH) * SHIFT, Number.MAX_SAFE_INTEGER);
}
