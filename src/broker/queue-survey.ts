import { isStreamMissing } from './away.ts';
import type { Broker } from './broker.ts';
import { type QueueState, queueState } from './consumer-lag.ts';
import type { QueuePart } from './names.ts';

/** A stream with a host's queue, or a part of it. */
export interface QueueStream extends QueuePart {
  readonly stream: string;
  /** What it was made for; see `Queues`. Undefined if an earlier version made it. */
  readonly shape: string | undefined;
  /** The kind of host for which it holds messages; undefined if an earlier version made it. */
  readonly kind: string | undefined;
  /** How many messages it contains, including settled ones. */
  readonly messages: number;
}

/** The metadata key that says what a queue's stream was made for. */
export const SHAPE = 'waybill-shape';
/** The same for the kind of its host. */
export const KIND = 'waybill-kind';

/** Every queue stream of the production, whether a host works on it or not. */
export async function queueStreams({ manager, names }: Broker): Promise<QueueStream[]> {
  const found: QueueStream[] = [];
  for await (const { config, state } of manager.streams.list(names.everything)) {
    const part = names.queueOf(config.name);
    if (part === undefined) continue;
    const { name: stream, metadata } = config;
    const [shape, kind] = [metadata?.[SHAPE], metadata?.[KIND]];
    found.push({ ...part, stream, shape, kind, messages: state.messages });
  }
  return found.toSorted(
    (a, b) => a.generation - b.generation || (a.partition ?? 0) - (b.partition ?? 0),
  );
}

/** What is still in a stream, made earlier, is meant for a host of another kind now. */
export async function changeKind({ manager }: Broker, stream: string, kind: string): Promise<void> {
  try {
    const { config } = await manager.streams.info(stream);
    await manager.streams.update(stream, { metadata: { ...config.metadata, [KIND]: kind } });
  } catch (error) {
    // the janitor has removed it
    if (!isStreamMissing(error)) throw error;
  }
}

/** How full a host's queue is. */
export interface QueueRoom {
  readonly host: string;
  /** Its latest: into earlier ones, which are left to be emptied, nothing is stored. */
  readonly generation: number;
  /** Of the fullest of its streams, which are limited one by one. */
  readonly bytes: number;
  readonly limit: number;
}

/** How full each host's queue is; without those that are not limited. */
export async function queueRooms({ manager, names }: Broker): Promise<QueueRoom[]> {
  const rooms = new Map<string, QueueRoom>();
  for await (const { config, state } of manager.streams.list(names.everything)) {
    const part = names.queueOf(config.name);
    if (part === undefined || config.max_bytes <= 0) continue;
    const { host, generation } = part;
    const room = { host, generation, bytes: state.bytes, limit: config.max_bytes };
    const known = rooms.get(host);
    if (known === undefined || isNearer(room, known)) rooms.set(host, room);
  }
  return [...rooms.values()];
}

/** Whether senders are refused for this one before another. */
const isNearer = (one: QueueRoom, other: QueueRoom): boolean =>
  one.generation === other.generation
    ? one.bytes / one.limit > other.bytes / other.limit
    : one.generation > other.generation;

/** The state of each host's queue, over all its streams; includes removed hosts. */
export async function queueStates(broker: Broker): Promise<ReadonlyMap<string, QueueState>> {
  const states = new Map<string, QueueState>();
  const found = await Promise.all(
    (await queueStreams(broker)).map(async ({ host, stream, messages }) => ({
      host,
      state: messages === 0 ? EMPTY : await queueState(broker, stream),
    })),
  );
  for (const { host, state } of found) states.set(host, together(states.get(host), state));
  return states;
}

const EMPTY: QueueState = { depth: 0, inFlight: 0, oldest: undefined };

function together(one: QueueState = EMPTY, other: QueueState): QueueState {
  const times = [one.oldest, other.oldest].filter((time) => time !== undefined);
  return {
    depth: one.depth + other.depth,
    inFlight: one.inFlight + other.inFlight,
    oldest: times.length === 0 ? undefined : Math.min(...times),
  };
}
