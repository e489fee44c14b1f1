import type { QueueState } from '../broker/consumer-lag.ts';

/** The queue of a host that the production has no longer, or that has no queue any more, with what waits in it. */
export interface LeftQueue {
  readonly host: string;
  readonly depth: number;
  /** When the oldest was stored; milliseconds since 1970. */
  readonly oldest: number | undefined;
}

export function leftQueues(
  queues: ReadonlyMap<string, QueueState>,
  hasQueue: (host: string) => boolean,
): LeftQueue[] {
  return [...queues].flatMap(([host, { depth, oldest }]) =>
    depth === 0 || hasQueue(host) ? [] : [{ host, depth, oldest }],
  );
}

export const messagesText = (count: number): string =>
  count === 1 ? '1 message waits' : `${count} messages wait`;
