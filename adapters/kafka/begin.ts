import { NotConnectedError } from 'waybill/adapter';
import type { KafkaCluster, TopicFacts } from './cluster.ts';
import { SOON } from './cluster.ts';
import { CODE } from './failure.ts';
import type { KafkaInLent } from './kafka-in.ts';
import { groupOf, keyOf, type Position, type Share } from './membership.ts';

/** The timestamps that stand for the two ends of a partition. */
const END = { earliest: -2n, latest: -1n } as const;
const READ_COMMITTED = 1;

/** Where reading begins, and what the group has written of it; -1 if nothing. */
export interface Beginning extends Share, Position {
  readonly committed: bigint;
}

interface Known {
  readonly cluster: KafkaCluster;
  readonly topics: readonly TopicFacts[];
  /** As the group has written them, by `keyOf`. */
  readonly positions: ReadonlyMap<string, Position>;
}

/**
 * Where reading of our partitions begins. A group that has read a topic before never skips what came since: neither where
 * the topic was made anew or has more partitions, nor where its position was forgotten.
 */
export async function beginnings(
  lent: KafkaInLent,
  shares: readonly Share[],
  { cluster, topics, positions }: Known,
  signal: AbortSignal,
): Promise<readonly Beginning[]> {
  const memory = await readMemory(lent);
  const found: Beginning[] = [];
  const told = new Set<string>();
  for (const share of shares) {
    const topic = topics.find(({ name }) => name === share.topic);
    if (topic === undefined) continue;
    const position = positions.get(keyOf(share)) ?? { offset: -1n, topicId: '' };
    if (position.offset >= 0n && isSameTopic(position, topic)) {
      found.push({ ...share, ...position, topicId: topic.id, committed: position.offset });
      continue;
    }
    const others = [...topic.partitions.keys()].map((partition) =>
      positions.get(keyOf({ topic: topic.name, partition })),
    );
    const isNew = others.every((one) => one === undefined || one.offset < 0n);
    const isForgotten = isNew && memory.includes(topic.name);
    const which = isNew && !isForgotten ? lent.settings.start : 'earliest';
    if (!told.has(topic.name))
      tellOf(lent, topic.name, { isForgotten, isAnew: position.offset >= 0n });
    told.add(topic.name);
    const offset = await offsetAt(cluster, share, { topic, which }, signal);
    found.push({ ...share, offset, topicId: topic.id, committed: -1n });
  }
  return found;
}

const isSameTopic = (position: Position, topic: TopicFacts): boolean =>
  position.topicId === '' || topic.id === '' || position.topicId === topic.id;

function tellOf(
  { event, settings }: KafkaInLent,
  topic: string,
  { isForgotten, isAnew }: { readonly isForgotten: boolean; readonly isAnew: boolean },
): void {
  const place = settings.connect[0]?.host ?? '';
  if (isAnew) {
    event(
      'warn',
      'topic-made-anew',
      `The topic ${topic} of ${place} was deleted and made anew: it is read from its beginning. What the earlier one still held is gone.`,
    );
  } else if (isForgotten) {
    event(
      'error',
      'position-gone',
      `${place} has forgotten where we stood in the topic ${topic}, as it does when nobody reads for long (offsets.retention.minutes): everything that it still holds is taken, also what was taken before. Look for repetitions at the targets.`,
    );
  }
}

/** The first offset of a partition, or the one after its last. */
export async function offsetAt(
  cluster: KafkaCluster,
  { partition }: Share,
  { topic, which }: { readonly topic: TopicFacts; readonly which: 'earliest' | 'latest' },
  signal: AbortSignal,
): Promise<bigint> {
  const leader = topic.partitions[partition]?.leader ?? -1;
  if (leader < 0) throw noLeader(topic.name, partition);
  const broker = await cluster.broker(leader, signal);
  const asked = { partitionIndex: partition, currentLeaderEpoch: -1, timestamp: END[which] };
  const answer = await broker.ask(
    'listOffsets',
    [-1, READ_COMMITTED, [{ name: topic.name, partitions: [asked] }]],
    { signal, time: SOON },
  );
  const one = answer.topics[0]?.partitions[0];
  if (one?.errorCode === 0) return one.offset;
  const code = one?.errorCode ?? CODE.UNKNOWN_TOPIC;
  if (code === CODE.UNKNOWN_TOPIC || code === CODE.TOPIC_DENIED)
    throw cluster.noTopic(topic.name, code);
  throw noLeader(topic.name, partition);
}

const noLeader = (topic: string, partition: number): NotConnectedError =>
  new NotConnectedError(
    `Partition ${partition} of the topic ${topic} has no leader just now, so it cannot be read. It is tried again; look at the brokers of the cluster if it lasts.`,
  );

/** The topics that the group of this service has read. */
async function readMemory(lent: KafkaInLent): Promise<readonly string[]> {
  const text = await lent.memory.read();
  if (text === undefined) return [];
  const { group, topics } = JSON.parse(text) as Remembered;
  return group === groupOf(lent) ? topics : [];
}

interface Remembered {
  readonly group: string;
  readonly topics: readonly string[];
}

/** Remembers that the group stands somewhere in these topics. */
export async function rememberTopics(lent: KafkaInLent, topics: readonly string[]): Promise<void> {
  const known = await readMemory(lent);
  const all = [...new Set([...known, ...topics])];
  if (all.length === known.length) return;
  const kept: Remembered = { group: groupOf(lent), topics: all };
  await lent.memory.write(JSON.stringify(kept));
}
