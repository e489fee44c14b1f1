import type { Broker } from '../broker/broker.ts';
import type { QueueState } from '../broker/consumer-lag.ts';
import { names } from '../broker/names.ts';
import { productionsOf } from '../broker/productions.ts';
import { queueStates } from '../broker/queue-survey.ts';
import { waitingCounts } from '../broker/waiting-count.ts';
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

/** A production whose messages wait on this NATS. */
export interface LeftProduction {
  readonly production: string;
  readonly queues: readonly LeftQueue[];
  /** Set aside, until a person decides. */
  readonly suspended: number;
}

/**
 * Other productions on this NATS whose messages wait. On a server of its own an engine is the only
 * one, so nobody sends them: the production was renamed, or another one was run in its data folder.
 */
export async function leftProductions(broker: Broker): Promise<LeftProduction[]> {
  const found: LeftProduction[] = [];
  for (const production of await productionsOf(broker)) {
    if (production === broker.production) continue;
    const left = await leftBy({ ...broker, production, names: names(production) });
    if (left.queues.length + left.suspended > 0) found.push(left);
  }
  return found;
}

/** What waits in a production, whether an engine runs it or not. */
export async function leftBy(broker: Broker): Promise<LeftProduction> {
  const { suspended, waiting } = broker.names;
  const streams = await sizesOf(broker);
  // an older version, or a start that was cut off, has not made each stream
  const waits = streams.has(waiting.stream) ? await waitingCounts(broker) : new Map();
  return {
    production: broker.production,
    queues: leftQueues(await queueStates(broker), waits, () => false),
    suspended: streams.get(suspended.stream) ?? 0,
  };
}

async function sizesOf({ manager, names: of }: Broker): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>();
  for await (const { config, state } of manager.streams.list(of.everything)) {
    sizes.set(config.name, state.messages);
  }
  return sizes;
}
