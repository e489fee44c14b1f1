import { median } from './median.ts';

/** How many messages were due at the receiver and not there, `at` seconds after the first was due. */
export interface Sample {
  readonly at: number;
  readonly waiting: number;
}

/** How long a message took from its sender to the receiver, and when it set out: seconds after the first was due. */
export interface Arrival {
  readonly at: number;
  readonly ms: number;
}

export interface Growth {
  /** How much of what was due stayed behind: the slope of what waits, as a share of the rate. */
  readonly share: number;
  /** Median time of the last third of the messages by that of the first third. */
  readonly slower: number;
  /** The queue grew: both say so, or so much stayed behind that no moment of other work explains it. */
  readonly grows: boolean;
}

/** What begins with idle hosts and ends with busy ones is not growth: so much of the beginning is left out. */
const BEGINNING = 0.25;
/** What may stay behind, as a share of the rate, and how much slower messages may become. */
const SHARE = 0.02;
const SLOWER = 1.25;
/** As a share of the rate: the queue grew, even where every message already took long. */
const MUCH = 0.1;

/**
 * Whether a queue grew over `seconds` of a fixed rate at the receiver. A moment in which the machine did something else
 * moves one of the two, or neither: the slope is the median of those between all pairs, the times are medians.
 */
export function growthOf(
  run: { readonly rate: number; readonly seconds: number },
  samples: readonly Sample[],
  arrivals: readonly Arrival[],
): Growth {
  const start = run.seconds * BEGINNING;
  const share = slope(samples.filter(({ at }) => at >= start && at <= run.seconds)) / run.rate;
  const third = (run.seconds - start) / 3;
  const between = (from: number, to: number): number =>
    median(arrivals.filter(({ at }) => at >= from && at < to).map(({ ms }) => ms));
  const before = between(start, start + third);
  const after = between(run.seconds - third, Number.POSITIVE_INFINITY);
  const slower = before === 0 ? 1 : after / before;
  const grows = share > MUCH || (share > SHARE && slower > SLOWER);
  return { share: short(share), slower: short(slower), grows };
}

const short = (value: number): number => Number(value.toFixed(3));

/** Theil and Sen: the median of the slopes between all pairs of points. */
function slope(samples: readonly Sample[]): number {
  const slopes: number[] = [];
  for (const [index, one] of samples.entries()) {
    for (const other of samples.slice(index + 1)) {
      if (other.at > one.at) slopes.push((other.waiting - one.waiting) / (other.at - one.at));
    }
  }
  return median(slopes);
}
