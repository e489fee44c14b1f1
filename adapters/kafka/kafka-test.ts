import { explained, type Lent, type Step, StepFailure, type setting } from 'waybill/adapter';
import { probe } from 'waybill/peer/basics';
import type { KafkaLent } from './account.ts';
import { KafkaCluster, type TopicFacts } from './cluster.ts';
import type { KafkaInLent } from './kafka-in.ts';
import { groupOf, Membership } from './membership.ts';

type TestLent = KafkaLent & Pick<Lent<setting.Settings>, 'signal'>;

/** Name, TCP, TLS, sign-in, topics and the brokers that lead them, and the group. Takes nothing, and does not join. */
export async function tryKafkaIn(
  lent: Omit<KafkaInLent, 'deliver' | 'lost' | 'memory'>,
  step: Step,
): Promise<void> {
  await tryKafka(lent, step, lent.settings.topics, async (cluster, topics) => {
    await step('group', (detail) =>
      explained(async () => {
        const group = groupOf(lent);
        const { topics: names, session } = lent.settings;
        const options = {
          settings: lent.settings,
          group,
          topics: names,
          session,
          handOver: session,
          word: () => Promise.resolve(''),
        };
        const membership = await Membership.find(cluster, options, lent.signal);
        const positions = [...(await membership.positions(topics, lent.signal)).values()];
        const known = positions.filter(({ offset }) => offset >= 0n).length;
        detail(
          `${membership.coordinator.place} keeps the group ${group}, which has a position in ${known} of ${positions.length} partitions`,
        );
      }),
    );
  });
}

/** The steps of both directions; `rest` is done while the cluster is connected. */
export async function tryKafka(
  lent: TestLent,
  step: Step,
  names: readonly string[],
  rest: (cluster: KafkaCluster, topics: readonly TopicFacts[]) => Promise<void>,
): Promise<void> {
  const { signal } = lent;
  const [address] = lent.settings.connect;
  if (address === undefined) throw new StepFailure('connect is empty', 'Name a broker');
  await probe(lent, step, { address, tls: lent.settings.tls, silent: true });
  const cluster = await step('sign-in', (detail) =>
    explained(async () => {
      const opened = await KafkaCluster.open(lent, signal);
      detail(`${opened.place}, ${opened.account.who}`);
      return opened;
    }),
  );
  try {
    const topics = await step('topic', (detail) =>
      explained(async () => {
        const found = await cluster.topics(names, signal);
        detail(described(found));
        return found;
      }),
    );
    await step('leaders', (detail) =>
      explained(async () => detail(await leadersOf(cluster, topics, signal))),
    );
    await rest(cluster, topics);
  } finally {
    cluster.close();
  }
}

const described = (topics: readonly TopicFacts[]): string =>
  topics.length === 0
    ? 'named by each message'
    : topics
        .map(({ name, partitions }) => {
          const copies = Math.min(...partitions.map(({ replicas }) => replicas));
          return `${name}: ${partitions.length} partitions, ${copies} copies of each`;
        })
        .join('; ');

/** Reaches every broker that leads a partition, at the address that the cluster names. */
async function leadersOf(
  cluster: KafkaCluster,
  topics: readonly TopicFacts[],
  signal: AbortSignal,
): Promise<string> {
  const leaders = new Set(topics.flatMap(({ partitions }) => partitions.map((one) => one.leader)));
  for (const { name, partitions } of topics) {
    const orphan = partitions.findIndex(({ leader }) => leader < 0);
    if (partitions.length > 0 && orphan < 0) continue;
    throw new StepFailure(
      partitions.length === 0
        ? `the topic ${name} has no partitions`
        : `partition ${orphan} of the topic ${name} has no leader`,
      'Look at the brokers of the cluster: one that has a copy of it must run',
    );
  }
  const reached: string[] = [];
  for (const leader of leaders) reached.push((await cluster.broker(leader, signal)).place);
  return reached.length === 0 ? 'not known before a message names its topic' : reached.join(', ');
}
