import type { Broker } from '../broker/broker.ts';
import type { QueueState } from '../broker/consumer-lag.ts';
import { names } from '../broker/names.ts';
import { productionsOf } from '../broker/productions.ts';
import { queueStates } from '../broker/queue-survey.ts';
import { waitingCounts } from '../broker/waiting-count.ts';
import type { LeftQueue } from '../control/engine-report.ts';
import type { Events } from '../log/events.ts';

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

/** Reports queues with messages for hosts that the running production does not have. */
export async function tellLeftQueues(
  broker: Broker,
  { events, hasQueue }: { readonly events: Told; readonly hasQueue: (host: string) => boolean },
): Promise<void> {
  const [states, waiting] = await Promise.all([queueStates(broker), waitingCounts(broker)]);
  for (const queue of leftQueues(states, waiting, hasQueue)) {
    const text = `${leftText(queue)}: the production does not have it as a host with a queue, so they stay until it has it again`;
    events.told(queue.host, 'warn', 'queue-left', text);
  }
}

/** Reports what other productions left on a NATS server that only this engine uses. */
export async function tellLeftProductions(broker: Broker, events: Told): Promise<void> {
  for (const { production, queues, suspended } of await leftProductions(broker)) {
    const waiting = queues.reduce((sum, { depth }) => sum + depth, 0);
    const text = `The production ${production} left ${waiting} waiting and ${suspended} suspended messages in this data folder, and nobody sends them. Stop, and start ${production} until they are gone: how to rename a production is in docs/operations.md, under Moving.`;
    events.told('', 'error', 'production-left', text);
  }
}

type Told = Pick<Events, 'told'>;

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
