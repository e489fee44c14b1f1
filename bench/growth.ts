import { median } from './median.ts';

/** How many due messages had not reached the receiver, `at` seconds after the first was due. */
export interface Sample {
  readonly at: number;
  readonly waiting: number;
}

/** How long a message took from its sender to the receiver, and when it was sent: seconds after the first was due. */
export interface Arrival {
  readonly at: number;
  readonly ms: number;
}

export interface Growth {
  /** How much of what was due was delayed: the slope of the waiting messages, as a share of the rate. */
  readonly share: number;
  /** Median time of the last third of the messages divided by that of the first third. */
  readonly slower: number;
  /** The queue grew: either both agree, or the delay is too large to be explained by other work on the machine. */
  readonly grows: boolean;
}

/** Starting with idle hosts and ending with busy ones is not growth: this much of the beginning is left out. */
const BEGINNING = 0.25;
/** The allowed delay, as a share of the rate, and how much slower messages may become. */
const SHARE = 0.02;
const SLOWER = 1.25;
/** As a share of the rate: the queue grew, even if every message already took long. */
const MUCH = 0.1;

/**
 * Whether a queue grew over `seconds` of a fixed rate at the receiver. A moment of other work on
 * the machine affects at most one of the two: the slope is the median of those between all pairs,
 * and the times are medians.
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
