import { randomUUID } from 'node:crypto';
import { Connection, fetchV4, type RecordsBatch } from '@platformatic/kafka';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import kafkaOut from '../../../adapters/kafka/kafka-out.ts';
import { type KafkaCluster, kafkaCluster, noKafka } from '../../support/kafka-cluster.ts';
import { openOutbound } from '../../support/open-adapter.ts';
import { tcpGate } from '../../support/tcp-gate.ts';

const PRODUCE = 0;
const CODE = { notLeader: 6, timedOut: 7, tooLarge: 10, denied: 29, forgotten: 59 };

describe.skipIf(noKafka !== undefined)('kafka-out', () => {
  let cluster: KafkaCluster;
  beforeAll(async () => {
    cluster = await kafkaCluster(2);
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  async function topicOf(partitions = 1) {
    const topic = randomUUID();
    await cluster.createTopic(topic, partitions);
    const connect = cluster.ports.map((port) => `127.0.0.1:${port}`);
    return { topic, given: { connect, topic, timeout: '3s' } };
  }

  /** The batches of a topic's first partition as its leader keeps them. */
  async function batchesOf(topic: string) {
    await cluster.ask('partition_set_leader', topic, 0, 1);
    const connection = new Connection('test');
    await connection.connect('127.0.0.1', cluster.ports[0] ?? 0);
    const at = { currentLeaderEpoch: -1, lastFetchedEpoch: -1, partitionMaxBytes: 1_000_000 };
    const found: RecordsBatch[] = [];
    // a mock broker gives one at a time
    for (let fetchOffset = 0n; ; ) {
      const partitions = [{ partition: 0, fetchOffset, ...at }];
      const asked = [{ topicId: topic, partitions }];
      const answer = await fetchV4.api.async(connection, 10, 1, 1e6, 0, 0, -1, asked, [], '');
      const [batch] = answer.responses[0]?.partitions[0]?.records ?? [];
      if (batch === undefined) break;
      found.push(batch);
      fetchOffset = batch.firstOffset + BigInt(batch.records.length);
    }
    await connection.close();
    return found;
  }

  test('key, headers and partition as librdkafka reads them', async () => {
    const { topic, given } = await topicOf(3);
    const more = { key: '{type}', headers: 'x-id: {id}', partition: '2' };
    await using opened = await openOutbound(kafkaOut, { ...given, ...more });
    const reply = await opened.send(Buffer.from('x'), { id: 7, type: 'text/plain' });
    expect(reply).toMatchObject({ code: 'OK', text: `${topic}-2@0` });
    expect(await cluster.consume(topic)).toEqual([
      expect.objectContaining({
        partition: 2,
        key: 'text/plain',
        payload: 'x',
        headers: ['content-type', 'text/plain', 'x-id', '7'],
      }),
    ]);
  });

  test('keys go to the partitions of Kafka’s own clients', async () => {
    const { topic, given } = await topicOf(7);
    const keys = ['foobar', '21', 'a-little-bit-long-string', 'p1', 'ä'];
    await using opened = await openOutbound(kafkaOut, { ...given, key: '{body()}' });
    for (const [n, key] of keys.entries()) {
      await opened.send(Buffer.from(key), { id: n + 1, type: 'text/plain' });
    }
    for (const key of keys) {
      await cluster.produce(topic, ['other'], '-k', key, '-X', 'topic.partitioner=murmur2');
    }
    const seen = await cluster.consume(topic);
    for (const key of keys) {
      const where = seen.filter((one) => one.key === key).map(({ partition }) => partition);
      expect(where).toEqual([where[0], where[0]]);
    }
  });

  test.for(['gzip', 'snappy', 'lz4', 'zstd'])('packed by %s', async (compression) => {
    const { topic, given } = await topicOf();
    const body = Buffer.from('MSH|'.repeat(5_000));
    await using opened = await openOutbound(kafkaOut, { ...given, compression });
    await opened.send(body);
    expect(await cluster.bodies(topic)).toEqual([body]);
  });

  test('an empty message as a tombstone', async () => {
    const { topic, given } = await topicOf();
    await using opened = await openOutbound(kafkaOut, { ...given, key: 'p1', empty: 'tombstone' });
    await opened.send(Buffer.alloc(0));
    expect(await cluster.consume(topic)).toMatchObject([{ key: 'p1', payload: null }]);
  });

  test('many at once keep their order and go together', async () => {
    const { topic, given } = await topicOf();
    await using opened = await openOutbound(kafkaOut, given);
    const ids = Array.from({ length: 300 }, (_, n) => n + 1);
    const replies = await Promise.all(ids.map((id) => opened.send(Buffer.from(`${id}`), { id })));
    expect(replies.at(-1)?.text).toBe(`${topic}-0@299`);
    expect((await cluster.bodies(topic)).map(Number)).toEqual(ids);
    expect((await batchesOf(topic)).length).toBeLessThan(10);
  });

  test('what is sent again has the number by which brokers recognise it', async () => {
    const { topic, given } = await topicOf();
    await using opened = await openOutbound(kafkaOut, given);
    await opened.send(Buffer.from('a'), { id: 1 });
    await cluster.ask('push_request_errors', PRODUCE, 2, CODE.timedOut, CODE.notLeader);
    expect(await opened.send(Buffer.from('b'), { id: 2 })).toMatchObject({ code: 'OK' });
    await opened.send(Buffer.from('c'), { id: 3 });
    const batches = await batchesOf(topic);
    expect(batches.map(({ firstSequence }) => firstSequence)).toEqual([0, 1, 2]);
    expect(new Set(batches.map(({ producerId }) => producerId)).size).toBe(1);
    expect(batches[0]?.producerId).toBeGreaterThanOrEqual(0n);
  });

  test('what was confirmed after it had been given up is not sent again', async () => {
    const { topic, given } = await topicOf();
    const port = cluster.ports[0] ?? 0;
    await cluster.ask('partition_set_leader', topic, 0, 1);
    await using gate = await tcpGate(port);
    const connect = `127.0.0.1:${gate.port}`;
    const gated = { ...given, connect, addresses: `127.0.0.1:${port}=${connect}` };
    await using opened = await openOutbound(kafkaOut, gated);
    await opened.send(Buffer.from('a'), { id: 1 });
    gate.pause();
    const givenUp = AbortSignal.timeout(100);
    // the second waits behind the first, is given up there, and must not be sent by itself later
    const both = await Promise.allSettled(
      [2, 3].map((id) => opened.send(Buffer.from(`${id}`), { id }, givenUp)),
    );
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    gate.resume();
    await vi.waitFor(async () => expect(await cluster.bodies(topic)).toHaveLength(2));
    for (const id of [2, 3])
      expect(await opened.send(Buffer.from(`${id}`), { id })).toMatchObject({ code: 'OK' });
    expect((await cluster.bodies(topic)).map(String)).toEqual(['a', '2', '3']);
  });

  test('brokers that have forgotten the number are asked for another by opening again', async () => {
    const { topic, given } = await topicOf();
    await using opened = await openOutbound(kafkaOut, given);
    await cluster.ask('push_request_errors', PRODUCE, 1, CODE.forgotten);
    await expect(opened.send(Buffer.from('a'))).rejects.toMatchObject({
      code: 'ADAPTER_NOT_CONNECTED',
    });
    expect(await cluster.bodies(topic)).toEqual([]);
  });

  test('one that is too large among many holds up no other', async () => {
    const { topic, given } = await topicOf();
    await using opened = await openOutbound(kafkaOut, given);
    // the first is under way alone; the others wait together, are refused, and tried each by itself
    const { tooLarge } = CODE;
    const first = opened.send(Buffer.from('0'), { id: 100 });
    await first;
    await cluster.ask('push_request_errors', PRODUCE, 2, tooLarge, tooLarge);
    const replies = await Promise.all(
      [1, 2, 3].map((id) => opened.send(Buffer.from(`${id}`), { id })),
    );
    expect(
      replies.map((one) => one?.code ?? '').toSorted((one, other) => one.localeCompare(other)),
    ).toEqual(['OK', 'OK', 'TOOLARGE']);
    expect(await cluster.bodies(topic)).toHaveLength(3);
  });

  test('a leader that moves is followed; a broker that dies is survived', async () => {
    const { topic, given } = await topicOf();
    await cluster.ask('partition_set_leader', topic, 0, 2);
    await using opened = await openOutbound(kafkaOut, given);
    await opened.send(Buffer.from('a'), { id: 1 });
    await cluster.ask('partition_set_leader', topic, 0, 1);
    expect(await opened.send(Buffer.from('b'), { id: 2 })).toMatchObject({ code: 'OK' });
    await cluster.ask('broker_set_down', 2);
    expect(await opened.send(Buffer.from('c'), { id: 3 })).toMatchObject({ code: 'OK' });
    await cluster.ask('broker_set_up', 2);
    expect((await cluster.bodies(topic)).map(String)).toEqual(['a', 'b', 'c']);
  });

  test('a topic that is not there is not created; a partition that is not there is named', async () => {
    const { given } = await topicOf(2);
    const topic = randomUUID();
    await using opened = await openOutbound(kafkaOut, { ...given, topic });
    expect(await opened.send(Buffer.from('x'))).toMatchObject({ code: 'NOTOPIC' });
    expect(await opened.send(Buffer.from('x'), { id: 2 })).toMatchObject({ code: 'NOTOPIC' });
    await using other = await openOutbound(kafkaOut, { ...given, partition: '2' });
    expect(await other.send(Buffer.from('x'))).toMatchObject({
      code: 'NOPARTITION',
      text: expect.stringContaining('2 partitions'),
    });
  });

  test('a topic that the account may not write to', async () => {
    const { given } = await topicOf();
    await using opened = await openOutbound(kafkaOut, given);
    await cluster.ask('push_request_errors', PRODUCE, 1, CODE.denied);
    expect(await opened.send(Buffer.from('x'))).toMatchObject({ code: 'DENIED' });
  });
});
