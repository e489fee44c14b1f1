export const WORKLOADS = ['t1', 't2', 't3', 't4'] as const;
export type WorkloadName = (typeof WORKLOADS)[number];

/** How many messages leave for each one that comes in, and which listener gets message n. */
export interface Shape {
  readonly listeners: number;
  readonly portOf: (n: number) => number;
  readonly out: (n: number) => number;
  /** The mean of `out`. */
  readonly copies: number;
}

const single = (copies: number): Shape => ({
  listeners: 1,
  portOf: () => 0,
  out: () => copies,
  copies,
});

export const SHAPES: Readonly<Record<WorkloadName, Shape>> = {
  t1: single(1),
  t2: single(1),
  t3: single(4),
  // of 4 messages one passes through, one goes 1 to 1, two go 1 to 4
  t4: {
    listeners: 3,
    portOf: (n) => [0, 1, 2, 2][Math.floor(n / 2) % 4] ?? 0,
    out: (n) => [1, 1, 4, 4][Math.floor(n / 2) % 4] ?? 1,
    copies: 2.5,
  },
};

/** How many messages leave for `count` messages from number `first` on. */
export function leaving({ out }: Shape, first: number, count: number): number {
  let sum = 0;
  for (let n = first; n < first + count; n++) sum += out(n);
  return sum;
}
