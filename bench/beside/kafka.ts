import { setImmediate as othersFirst } from 'node:timers/promises';
import { Connection, fetchV12, offsetCommitV7, Producer } from '@platformatic/kafka';
import kafkaIn from '../../adapters/kafka/kafka-in.ts';
import kafkaOut from '../../adapters/kafka/kafka-out.ts';
import { kafkaCluster } from '../../test/support/kafka-cluster.ts';
import { message } from '../messages.ts';
import { kept, type Spent, type Subjects, sender, Taken, taking, timed } from './subject.ts';

/** How many messages a batch of the topic has. */
const TOGETHER = 50;
const PARTITIONS = 12;
/** A mock broker keeps 5 MB of a partition: the oldest messages beyond that are gone before they are taken. */
const HELD = 48_000;

const nobody = { kind: 'basic', user: '', password: '' } as const;

/** Topics of librdkafka's mock brokers beside the bare client: each message confirmed, each position written once it is stored. */
export async function kafkaSubjects(): Promise<Subjects> {
  await using undo = new AsyncDisposableStack();
  const cluster = undo.use(await kafkaCluster());
  const connect = `127.0.0.1:${cluster.ports[0]}`;
  const client = { clientId: 'bench', bootstrapBrokers: [connect] };
  const producer = new Producer({
    ...client,
    idempotent: true,
    producerId: -1n,
    producerEpoch: -1,
  });
  undo.defer(() => producer.close());
  const body = message(1).bytes;
  const value = Buffer.from(body);
  let turn = 0;
  const produce = (topic: string) =>
    producer.send({ messages: [{ topic, value, partition: 0 }], acks: -1 });
  const prepare = async (messages: number): Promise<void> => {
    turn += 1;
    await cluster.createTopic(`in-${turn}`, PARTITIONS);
    await cluster.createTopic(`out-${turn}`);
    await filled(producer, { topic: `in-${turn}`, value }, messages);
  };
  const opened = undo.move();
  return {
    subjects: [
      {
        what: 'kafka-out',
        prepare,
        async bare(messages) {
          await produce(`out-${turn}`);
          return await timed(messages, () => produce(`out-${turn}`));
        },
        async adapter(messages) {
          const one = await sender(kafkaOut, { connect, topic: `out-${turn}` }, nobody);
          // the bare client has its connection and its number, too
          await one.send(body);
          const took = await timed(messages, () => one.send(body));
          await one.close();
          return took;
        },
      },
      {
        what: 'kafka-in',
        prepare,
        most: HELD,
        bare: (messages) => fetched(cluster.ports[0] ?? 0, `in-${turn}`, messages),
        adapter: (messages) =>
          taking(
            kafkaIn,
            { connect, topics: `in-${turn}`, group: `adapter-${turn}`, type: 'HL7v2' },
            { credential: nobody, messages },
          ),
      },
    ],
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function filled(
  producer: Producer,
  one: { readonly topic: string; readonly value: Buffer },
  messages: number,
): Promise<void> {
  for (let sent = 0; sent < messages; sent += TOGETHER) {
    const length = Math.min(TOGETHER, messages - sent);
    const partition = (sent / TOGETHER) % PARTITIONS;
    const some = Array.from({ length }, () => ({ ...one, partition }));
    await producer.send({ messages: some, acks: -1 });
  }
}

async function each<One>(all: readonly One[], work: (one: One) => Promise<void>): Promise<void> {
  for (const one of all) await work(one);
}

/**
 * By the client's requests alone: its consumer joins a group in a version that the mock brokers do not read. Positions are
 * written as often as the brokers take them, as a crash repeats what was stored since.
 */
async function fetched(port: number, topic: string, messages: number): Promise<Spent> {
  const [connection, writing] = [new Connection('bench'), new Connection('bench')];
  for (const one of [connection, writing]) await one.connect('127.0.0.1', port);
  const taken = new Taken(messages);
  const at = { currentLeaderEpoch: -1, lastFetchedEpoch: -1, partitionMaxBytes: 1e6 };
  const standing = Array.from({ length: PARTITIONS }, () => 0n);
  const stored = [...standing];
  let written: Promise<void> | undefined;
  const write = async (): Promise<void> => {
    const positions = stored.map((committedOffset, partitionIndex) => ({
      partitionIndex,
      committedOffset,
      committedLeaderEpoch: -1,
    }));
    const topics = [{ name: topic, partitions: positions }];
    await offsetCommitV7.api.async(writing, 'bare', -1, '', null, topics);
    written = undefined;
  };
  let seen = 0;
  while (seen < messages) {
    const partitions = standing.map((fetchOffset, partition) => ({
      ...at,
      partition,
      fetchOffset,
    }));
    const asked = [{ topicId: topic, partitions }];
    const answer = await fetchV12.api.async(connection, 500, 1, 8e6, 1, 0, -1, asked, [], '');
    for (const { partitionIndex, records: batches } of answer.responses[0]?.partitions ?? []) {
      for (const { firstOffset, records } of batches ?? []) {
        seen += records.length;
        standing[partitionIndex] = firstOffset + BigInt(records.length);
        await each(records, async ({ offsetDelta, value }) => {
          // what a crash repeats is recognised by its place
          const dedupeKey = `${topic}/${partitionIndex}/${firstOffset + BigInt(offsetDelta)}`;
          taken.one();
          await kept({ body: value, type: 'HL7v2', dedupeKey });
          stored[partitionIndex] = firstOffset + BigInt(offsetDelta) + 1n;
          written ??= write();
        });
        // a store would take its time, and the position be written meanwhile
        await othersFirst();
      }
    }
    written ??= write();
  }
  await written;
  const took = await taken.spent;
  for (const one of [connection, writing]) await one.close();
  return took;
}
