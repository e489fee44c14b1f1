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
  /** Where the group stood before this round, by topic; undefined where another one's leader did not say. */
  readonly standings: ReadonlyMap<string, Standing>;
}

/** Where a group stands in a topic: it has read it, it reads it for the first time, or the brokers forgot its positions. */
type Standing = 'known' | 'new' | 'forgotten';

/**
 * Where the group stands in each topic. Asked before a round, by whoever leads it, and told to all: in the first round a
 * member would otherwise see the positions of those that were quicker, and take its own partitions for later ones.
 */
export async function standingsOf(
  lent: KafkaInLent,
  topics: readonly TopicFacts[],
  positions: ReadonlyMap<string, Position>,
): Promise<ReadonlyMap<string, Standing>> {
  const memory = await readMemory(lent);
  return new Map(
    topics.map(({ name, partitions }) => {
      const isKnown = [...partitions.keys()].some(
        (partition) => (positions.get(keyOf({ topic: name, partition }))?.offset ?? -1n) >= 0n,
      );
      return [name, isKnown ? 'known' : memory.includes(name) ? 'forgotten' : 'new'];
    }),
  );
}

const STANDINGS: ReadonlySet<unknown> = new Set<Standing>(['known', 'new', 'forgotten']);

/** For the members of a round. */
export const writtenStandings = (standings: ReadonlyMap<string, Standing>): string =>
  JSON.stringify({ waybill: Object.fromEntries(standings) });

/** What a leader said; nothing of one that says something else, as any member of the group may lead it. */
export function readStandings(word: string): ReadonlyMap<string, Standing> {
  try {
    const { waybill } = JSON.parse(word) as {
      readonly waybill: Readonly<Record<string, Standing>>;
    };
    return new Map(Object.entries(waybill).filter(([, standing]) => STANDINGS.has(standing)));
  } catch {
    // other leaders write other bytes, or none
    return new Map();
  }
}

/**
 * Where reading of our partitions begins. A group that has read a topic before never skips what came since: neither where
 * the topic was made anew or has more partitions, nor where its position was forgotten.
 */
export async function beginnings(
  lent: KafkaInLent,
  shares: readonly Share[],
  { cluster, topics, positions, standings }: Known,
  signal: AbortSignal,
): Promise<readonly Beginning[]> {
  const own = await standingsOf(lent, topics, positions);
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
    const standing = standings.get(topic.name) ?? own.get(topic.name);
    const which = standing === 'new' ? lent.settings.start : 'earliest';
    if (!told.has(topic.name))
      tellOf(lent, topic.name, {
        isForgotten: standing === 'forgotten',
        isAnew: position.offset >= 0n,
      });
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
