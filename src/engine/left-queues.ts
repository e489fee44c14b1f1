import type { QueueState } from '../broker/consumer-lag.ts';
import type { LeftQueue } from '../control/engine-report.ts';

export function leftQueues(
  queues: ReadonlyMap<string, QueueState>,
  waiting: ReadonlyMap<string, { readonly count: number }>,
  hasQueue: (host: string) => boolean,
): LeftQueue[] {
  const hosts = new Set([...queues.keys(), ...waiting.keys()]);
  return [...hosts]
    .filter((host) => !hasQueue(host))
    .flatMap((host) => leftQueue(host, queues.get(host), waiting.get(host)?.count) ?? []);
}

/** What waits for one host; undefined if nothing does. */
export function leftQueue(
  host: string,
  queue: QueueState | undefined,
  waiting = 0,
): LeftQueue | undefined {
  const depth = (queue?.depth ?? 0) + waiting;
  return depth === 0 ? undefined : { host, depth, waiting, oldest: queue?.oldest };
}

/** How many messages wait for which host, as text. */
export function leftText({ host, depth, waiting }: Omit<LeftQueue, 'oldest'>): string {
  const what = depth === 1 ? '1 message waits' : `${depth} messages wait`;
  if (waiting === 0) return `${what} for ${host}`;
  const which = waiting === depth ? '' : `${waiting} of them `;
  return `${what} for ${host}, ${which}until a time or an answer comes`;
}
