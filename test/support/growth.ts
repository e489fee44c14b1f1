import { processorTime } from './processor-time.ts';

/** Something that is done with a body. */
export interface Growing<Input> {
  /** A body with `n` of what there may be many of. */
  readonly make: (n: number) => Input;
  readonly work: (input: Input) => unknown;
  /** The least `n`: where a limit is meant to cut off what does grow faster. */
  readonly from?: number;
}

/** Times of n, 2n, 4n and 8n, and the exponent e of the time n^e that fits them best. */
export interface Growth {
  readonly n: number;
  /** Milliseconds of processor time. */
  readonly times: readonly number[];
  readonly exponent: number;
}

/** What is measured, in bodies of the smallest; and the ends of it, in the order in which they are measured. */
const SIZES = [1, 2, 4, 8];
const ENDS = [0, 3, 0];
/** Work of less than this is not measured: the rest of the process would be. */
const SHORTEST = 2;
/** Nothing is measured further once it takes this long: what is quadratic is seen by then. */
const LONGEST = 1_000;
/** `WAYBILL_GROWTH=10` measures ten times larger bodies. */
const SCALE = Number(process.env['WAYBILL_GROWTH'] ?? '1');

/**
 * How the time of some work grows with the size of a body. The least of a few measurements counts, as everything else
 * (compiling, collecting garbage, other processes' caches) only adds to it. First only the ends are measured, the
 * smaller one twice, since what is added to it hides a growth; what looks steep is measured at each size, again and
 * again.
 */
export function growth<Input>(growing: Growing<Input>, limit: number): Growth {
  const n = measurable(growing);
  const times = SIZES.map(() => Number.POSITIVE_INFINITY);
  const measure = (index: number): number => {
    const time = measured(growing, n * (SIZES[index] ?? 1));
    times[index] = Math.min(times[index] ?? time, time);
    return time;
  };
  for (const index of ENDS) measure(index);
  for (let round = 0; round < 5 && exponentOf(times) >= limit; round++) {
    for (const index of SIZES.keys()) if (measure(index) > LONGEST * SCALE) break;
  }
  return { n, times, exponent: exponentOf(times) };
}

/** A size that takes long enough to be measured, also once it is compiled. */
function measurable<Input>(growing: Growing<Input>): number {
  let n = (growing.from ?? 64) * SCALE;
  const isShort = (): boolean => measured(growing, n) < SHORTEST * SCALE;
  while (n < 65_000 * SCALE && (isShort() || isShort())) n *= 2;
  return n;
}

function measured<Input>({ make, work }: Growing<Input>, n: number): number {
  const input = make(n);
  const before = processorTime();
  work(input);
  return processorTime() - before;
}

/** The slope through the logarithms of the times that were taken; each size is twice the one before. */
function exponentOf(times: readonly number[]): number {
  const points = times
    .map((time, index): [number, number] => [index, Math.log2(Math.max(time, SHORTEST))])
    .filter(([, time]) => Number.isFinite(time));
  const [x, y] = [middle(points.map(([at]) => at)), middle(points.map(([, time]) => time))];
  const above = middle(points.map(([at, time]) => (at - x) * (time - y)));
  return above / middle(points.map(([at]) => (at - x) ** 2));
}

function middle(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
