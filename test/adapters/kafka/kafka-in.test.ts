import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setImmediate, setTimeout as wait } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Connection, joinGroupV3, offsetCommitV5, produceV8 } from '@platformatic/kafka';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { KafkaCluster as Brokers } from '../../../adapters/kafka/cluster.ts';
import kafkaIn from '../../../adapters/kafka/kafka-in.ts';
import { Membership } from '../../../adapters/kafka/membership.ts';
import { EngineError } from '../../../src/adapter/index.ts';
import {
  type KafkaCluster,
  KCAT,
  kafkaCluster,
  noKafka,
  positionOf,
} from '../../support/kafka-cluster.ts';
import { lend, type OpenedInbound, openInbound, testSteps } from '../../support/open-adapter.ts';
import { tcpGate } from '../../support/tcp-gate.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Of the protocol: requests, and what a coordinator answers to a member of an earlier round. */
const OFFSET_COMMIT = 8;
const SYNC_GROUP = 14;
const ILLEGAL_GENERATION = 22;

const bodies = (opened: OpenedInbound): string[] =>
  opened.delivered.map(({ body }) => String(body));
const answerOf = ({ value }: { readonly value: unknown }): unknown => value;
const events = (opened: OpenedInbound): string[] => opened.events.map(({ name }) => name);
const some = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, n) => `m${n + from}`);

describe.skipIf(noKafka !== undefined)('kafka-in', () => {
  let cluster: KafkaCluster;
  beforeAll(async () => {
    cluster = await kafkaCluster(2);
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  const place = (): string[] => cluster.ports.map((port) => `127.0.0.1:${port}`);

  /** A topic of its own, and the settings that take it. */
  async function topicOf(partitions = 1) {
    const topic = randomUUID();
    await cluster.createTopic(topic, partitions);
    const group = randomUUID();
    const given = { connect: place(), topics: topic, group, session: '2s' };
    const position = (partition = 0): Promise<bigint> =>
      positionOf(cluster.ports[0] ?? 0, group, { topic, partition });
    return { topic, group, given, position };
  }

  /** Writes a position as another member of the group would. */
  async function stand(
    group: string,
    topic: string,
    { offset, metadata = '' }: { readonly offset: bigint; readonly metadata?: string },
  ): Promise<void> {
    const connection = new Connection('test');
    await connection.connect('127.0.0.1', cluster.ports[0] ?? 0);
    const at = { partitionIndex: 0, committedOffset: offset, committedLeaderEpoch: -1 };
    const topics = [{ name: topic, partitions: [{ ...at, committedMetadata: metadata }] }];
    await offsetCommitV5.api.async(connection, group, -1, '', null, topics);
    await connection.close();
  }

  test('key, headers, trace and place of a record', async () => {
    const { topic, given } = await topicOf();
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const headers = ['-H', 'content-type=application/json', '-H', `traceparent=${traceparent}`];
    await cluster.produce(topic, ['{"a":1}'], '-k', 'p1', ...headers);
    await using opened = await openInbound(kafkaIn, given);
    await vi.waitFor(() => expect(opened.delivered).toHaveLength(1));
    expect(opened.delivered[0]).toMatchObject({
      name: 'p1',
      type: 'application/json',
      traceparent,
      origin: `127.0.0.1:${cluster.ports[0]}/${topic}/0/0`,
      dedupeKey: expect.stringMatching(/^[\da-f-]{36}\/0\/0$/),
    });
  });

  test('a whole record as JSON, also of bytes that are no text, and a tombstone', async () => {
    const { topic, given } = await topicOf();
    await cluster.produce(topic, ['v'], '-k', 'p1', '-H', 'ward=3');
    await cluster.produce(topic, [Buffer.from([0xff])], '-k', 'p2');
    await cluster.produce(topic, ['p3:'], '-K', ':', '-Z');
    await using opened = await openInbound(kafkaIn, { ...given, as: 'record' });
    await vi.waitFor(() => expect(opened.delivered).toHaveLength(3));
    const records = bodies(opened).map((body) => JSON.parse(body) as object);
    expect(records[0]).toMatchObject({
      topic,
      offset: 0,
      key: 'p1',
      headers: { ward: '3' },
      value: 'v',
    });
    expect(records[1]).toMatchObject({ key: 'p2', valueBase64: '/w==' });
    expect(records[2]).toMatchObject({ key: 'p3', value: null });
  });

  test.for(['deliver', 'skip'])('tombstones: %s', async (tombstones) => {
    const { topic, given, position } = await topicOf();
    await cluster.produce(topic, ['gone:'], '-K', ':', '-Z');
    await cluster.produce(topic, ['x'], '-k', 'there');
    await using opened = await openInbound(kafkaIn, { ...given, tombstones });
    await vi.waitFor(async () => expect(await position()).toBe(2n));
    const wanted =
      tombstones === 'skip'
        ? [['there', 'x']]
        : [
            ['gone', ''],
            ['there', 'x'],
          ];
    expect(opened.delivered.map(({ name, body }) => [name, String(body)])).toEqual(wanted);
  });

  test.for(['gzip', 'snappy', 'lz4', 'zstd'])('batches packed by %s', async (packing) => {
    const { topic, given } = await topicOf();
    const sent = some(50).map((body) => body.repeat(100));
    await cluster.produce(topic, sent, '-X', `compression.codec=${packing}`);
    await using opened = await openInbound(kafkaIn, given);
    await vi.waitFor(() => expect(bodies(opened)).toEqual(sent));
  });

  test('a batch that becomes gigabytes when it is unpacked is told of and not unpacked', async () => {
    const { topic, given } = await topicOf();
    const connection = new Connection('test');
    await connection.connect('127.0.0.1', cluster.ports[0] ?? 0);
    await cluster.ask('partition_set_leader', topic, 0, 1);
    const zeros = { topic, partition: 0, value: Buffer.alloc(260 * 1024 * 1024) };
    await produceV8.api.async(connection, 1, 5_000, [zeros], { compression: 'zstd' });
    await connection.close();
    await using opened = await openInbound(kafkaIn, given);
    await vi.waitFor(() => expect(opened.lost[0]?.message).toMatch(/cannot be read/));
    expect(opened.delivered).toEqual([]);
  });

  test('thousands that wait are taken in their order, and the position is at their end', async () => {
    const { topic, given, position } = await topicOf();
    const sent = some(5_000);
    await cluster.produce(topic, sent, '-X', 'batch.num.messages=50');
    await using opened = await openInbound(kafkaIn, given);
    await vi.waitFor(() => expect(opened.delivered).toHaveLength(5_000), { timeout: 10_000 });
    expect(bodies(opened)).toEqual(sent);
    await vi.waitFor(async () => expect(await position()).toBe(5_000n));
  });

  test('what cannot be stored is held and tried again; nothing behind it is taken', async () => {
    const { topic, given, position } = await topicOf();
    await using opened = await openInbound(kafkaIn, given);
    opened.refuse();
    await cluster.produce(topic, some(3));
    await vi.waitFor(() => expect(opened.refused).toBeGreaterThan(1));
    expect(await position()).toBe(0n);
    opened.accept();
    await vi.waitFor(async () => expect(await position()).toBe(3n), { timeout: 5_000 });
    expect(bodies(opened)).toEqual(some(3));
    expect(events(opened)).toContain('not-stored-yet');
  });

  test.for(['hold', 'discard'])('refused for good: %s; other partitions go on', async (refused) => {
    const { topic, given, position } = await topicOf(2);
    await using opened = await openInbound(kafkaIn, { ...given, refused });
    opened.refuse(new EngineError('MESSAGE_TOO_LARGE', 'It is too large.', { retryable: false }));
    await cluster.produce(topic, ['large'], '-p', '0');
    await vi.waitFor(() => expect(opened.refused).toBeGreaterThan(0));
    opened.accept();
    await cluster.produce(topic, ['small'], '-p', '1');
    await vi.waitFor(async () => expect(await position(1)).toBe(1n));
    const told = refused === 'hold' ? 'not-stored-yet' : 'message-refused';
    await vi.waitFor(() => expect(events(opened)).toContain(told));
  });

  test('what is closed goes on where it stood, and what was not stored comes again', async () => {
    const { topic, given } = await topicOf();
    await cluster.produce(topic, some(3));
    const first = await openInbound(kafkaIn, given);
    await vi.waitFor(() => expect(first.delivered).toHaveLength(3));
    await first.close();
    await cluster.produce(topic, some(2, 3));
    await using second = await openInbound(kafkaIn, given);
    await vi.waitFor(() => expect(bodies(second)).toEqual(some(2, 3)));
  });

  test('start: latest begins with what comes now, and misses nothing while it is away', async () => {
    const { topic, given } = await topicOf(2);
    await cluster.produce(topic, ['old'], '-p', '0');
    const first = await openInbound(kafkaIn, { ...given, start: 'latest' });
    // it took nothing, and must know where it stood all the same
    await first.close();
    await cluster.produce(topic, ['while away'], '-p', '1');
    await using second = await openInbound(kafkaIn, { ...given, start: 'latest' });
    await vi.waitFor(() => expect(bodies(second)).toEqual(['while away']));
  });

  test('start: latest of two in one first round: neither takes the partitions of the slower one for later ones', async () => {
    const { topic, group, given } = await topicOf(2);
    for (const p of ['0', '1']) await cluster.produce(topic, ['old'], '-p', p);
    await cluster.ask('coordinator_set', 'group', group, 1);
    await cluster.ask('group_initial_rebalance_delay_ms', 300);
    // one of them hears what it has to read when the other one has written its positions
    await cluster.ask('broker_push_request_error_rtts', 1, SYNC_GROUP, 2, 0, 0, 0, 700);
    const latest = { ...given, start: 'latest' };
    const both = await Promise.all([openInbound(kafkaIn, latest), openInbound(kafkaIn, latest)]);
    await cluster.ask('group_initial_rebalance_delay_ms', 0);
    for (const p of ['0', '1']) await cluster.produce(topic, ['new'], '-p', p);
    for (const one of both) await vi.waitFor(() => expect(bodies(one)).toEqual(['new']));
    await Promise.all(both.map((one) => one.close()));
  });

  test('a position that others were quicker than to write is written in their round, and not counted before', async () => {
    const { topic, given, position } = await topicOf();
    await cluster.produce(topic, ['old']);
    await cluster.ask('push_request_errors', OFFSET_COMMIT, 1, ILLEGAL_GENERATION);
    await using opened = await openInbound(kafkaIn, { ...given, start: 'latest' });
    expect(opened.memory).toBeUndefined();
    await vi.waitFor(async () => expect(await position()).toBe(1n), { timeout: 5_000 });
    expect(opened.delivered).toEqual([]);
    expect(events(opened)).not.toContain('position-gone');
  });

  test.for(['slow', 'full'])(
    'a store that is %s for longer than a session does not cost the place in the group',
    async (how) => {
      const { topic, given, position } = await topicOf();
      await using opened = await openInbound(kafkaIn, { ...given, session: '1s' });
      if (how === 'slow') opened.hold();
      else opened.refuse();
      await cluster.produce(topic, some(3));
      await vi.waitFor(() => expect(opened.waiting + opened.refused).toBeGreaterThan(0));
      await wait(2_200);
      if (how === 'slow') opened.release();
      opened.accept();
      await vi.waitFor(async () => expect(await position()).toBe(3n), { timeout: 5_000 });
      expect(bodies(opened)).toEqual(some(3));
      expect(opened.states.map(({ state }) => state)).toEqual(['connected']);
    },
  );

  test('signs of life go on while others wait for what is being stored, and nothing is lost', async () => {
    const { topic, given } = await topicOf(2);
    const beats = vi.spyOn(Membership.prototype, 'beat');
    const quick = { ...given, session: '1s' };
    await using first = await openInbound(kafkaIn, quick);
    first.hold();
    for (const p of [0, 1]) await cluster.produce(topic, some(3, p * 3), '-p', String(p));
    await vi.waitFor(() => expect(first.waiting).toBe(2));
    const joining = openInbound(kafkaIn, quick);
    await vi.waitFor(
      async () => expect(await Promise.all(beats.mock.results.map(answerOf))).toContain('again'),
      { timeout: 3_000 },
    );
    const before = beats.mock.calls.length;
    await vi.waitFor(() => expect(beats.mock.calls.length).toBeGreaterThan(before), {
      timeout: 1_500,
    });
    beats.mockRestore();
    first.release();
    first.accept();
    await using second = await joining;
    const all = (): string[] => [...bodies(first), ...bodies(second)].toSorted();
    await vi.waitFor(() => expect(all().length).toBeGreaterThan(5), { timeout: 5_000 });
    // these brokers take no position once a round begins, so what was in hand may come again
    expect([...new Set(all())]).toEqual(some(6));
  });

  test('a position that the brokers forgot is told, and nothing is passed over', async () => {
    const { topic, given } = await topicOf();
    await cluster.produce(topic, ['old']);
    const memory = JSON.stringify({ group: given.group, topics: [topic] });
    await using opened = await openInbound(kafkaIn, { ...given, start: 'latest' }, { memory });
    await vi.waitFor(() => expect(bodies(opened)).toEqual(['old']));
    expect(opened.events).toContainEqual(
      expect.objectContaining({ level: 'error', name: 'position-gone' }),
    );
  });

  test('a topic that was made anew is read from its beginning', async () => {
    const { topic, group, given } = await topicOf();
    await cluster.produce(topic, some(3));
    await stand(group, topic, { offset: 2n, metadata: randomUUID() });
    await using opened = await openInbound(kafkaIn, { ...given, start: 'latest' });
    await vi.waitFor(() => expect(bodies(opened)).toEqual(some(3)));
    expect(events(opened)).toContain('topic-made-anew');
  });

  test('messages that were deleted before they were taken are counted and told', async () => {
    const { topic, group, given } = await topicOf();
    // a mock broker keeps 5 MB of a partition
    const large = some(8).map((one) => one.padEnd(1_000_000, '.'));
    for (const one of large) await cluster.produce(topic, [one], '-X', 'message.max.bytes=2000000');
    await stand(group, topic, { offset: 0n });
    await using opened = await openInbound(kafkaIn, { ...given, start: 'latest' });
    await vi.waitFor(() => expect(bodies(opened).at(-1)).toBe(large.at(-1)), { timeout: 5_000 });
    const gone = 8 - opened.delivered.length;
    expect(bodies(opened)).toEqual(large.slice(gone));
    const lost = opened.events.find(({ name }) => name === 'message-lost');
    expect(lost).toMatchObject({
      level: 'error',
      text: expect.stringContaining(`${gone} messages`),
    });
  });

  test.for(['earliest', 'latest'])('a partition shorter than our position: %s', async (start) => {
    const { topic, group, given } = await topicOf();
    await cluster.produce(topic, ['old']);
    await stand(group, topic, { offset: 100n });
    await using opened = await openInbound(kafkaIn, { ...given, start });
    await vi.waitFor(() => expect(events(opened)).toContain('position-gone'));
    await cluster.produce(topic, ['new']);
    const wanted = start === 'earliest' ? ['old', 'new'] : ['new'];
    await vi.waitFor(() => expect(bodies(opened)).toEqual(wanted));
  });

  test('two of one group share the partitions, and one takes them all when the other goes', async () => {
    const { topic, given } = await topicOf(4);
    await using first = await openInbound(kafkaIn, given);
    const second = await openInbound(kafkaIn, given);
    const send = async (round: number): Promise<void> => {
      for (const p of some(4).keys())
        await cluster.produce(topic, [`${round}/${p}`], '-p', String(p));
    };
    const all = (): string[] => [...bodies(first), ...bodies(second)].toSorted();
    // what comes before they have shared goes to the first one, and again to the other
    await vi.waitFor(() => {
      for (const { states } of [first, second])
        expect(states.at(-1)?.detail).toMatch(/2 of 4 partitions/);
    });
    await send(1);
    await vi.waitFor(() => expect(all()).toEqual(['1/0', '1/1', '1/2', '1/3']));
    expect(first.delivered).toHaveLength(2);
    await second.close();
    // in between, the broker refuses the position of what the first one has taken, and it would take that again
    await vi.waitFor(() => expect(first.states.at(-1)?.detail).toMatch(/4 of 4 partitions/));
    await send(2);
    await vi.waitFor(() => expect(first.delivered).toHaveLength(6));
    expect(new Set(all()).size).toBe(8);
    expect(all()).toHaveLength(8);
  });

  test('a member whose wishes cannot be read does not stop the others', async () => {
    const { topic, group, given } = await topicOf();
    await cluster.ask('coordinator_set', 'group', group, 1);
    await using opened = await openInbound(kafkaIn, given);
    const connection = new Connection('test');
    connection.on('error', () => undefined);
    await connection.connect('127.0.0.1', cluster.ports[0] ?? 0);
    const strange = [{ name: 'range', metadata: Buffer.from([0]) }];
    const { async: join } = joinGroupV3.api;
    const joined = await join(connection, group, 9_000, 9_000, '', null, 'consumer', strange);
    expect(joined.members).toEqual([]);
    await vi.waitFor(() => expect(opened.states.at(-1)?.detail).toMatch(/1 of 1 partitions/));
    await cluster.produce(topic, ['x']);
    await vi.waitFor(() => expect(bodies(opened)).toEqual(['x']), { timeout: 5_000 });
    await connection.close();
    expect(opened.lost).toEqual([]);
  });

  test('an answer is not kept once it was read', async () => {
    const { topic, given } = await topicOf();
    const { lent } = lend(kafkaIn.settings, given, {});
    const brokers = await Brokers.open(lent, lent.signal);
    const answers: WeakRef<object>[] = [];
    for (let n = 0; n < 20; n++)
      answers.push(new WeakRef(await brokers.ask('metadata', [[topic], false], lent.signal)));
    await setImmediate();
    collectGarbage();
    const kept = answers.filter((one) => one.deref() !== undefined);
    brokers.close();
    expect(kept.length).toBeLessThan(3);
  });

  test('shares a group with a consumer of librdkafka', async () => {
    const { topic, group, given } = await topicOf(2);
    await using opened = await openInbound(kafkaIn, given);
    const to = [
      '-b',
      place().join(),
      '-X',
      'session.timeout.ms=2000',
      '-X',
      'heartbeat.interval.ms=200',
    ];
    const other = spawn(KCAT, [...to, '-G', group, '-u', '-q', topic], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const heard: string[] = [];
    other.stdout.on('data', (chunk: Buffer) =>
      heard.push(...String(chunk).split('\n').filter(Boolean)),
    );
    await vi.waitFor(() => expect(opened.states.at(-1)?.detail).toMatch(/1 of 2 partitions/), {
      timeout: 8_000,
    });
    const rounds = opened.states.length;
    for (const p of ['0', '1']) await cluster.produce(topic, [`x${p}`], '-p', p);
    const all = (): string[] => [...heard, ...bodies(opened)].toSorted();
    await vi.waitFor(() => expect(new Set(all())).toEqual(new Set(['x0', 'x1'])));
    // the other writes its position every five seconds: what it took before another round is taken again
    const wasAnother = opened.states.length > rounds;
    expect(wasAnother ? [...new Set(all())] : all()).toEqual(['x0', 'x1']);
    other.kill();
    await vi.waitFor(() => expect(opened.states.at(-1)?.detail).toMatch(/2 of 2 partitions/), {
      timeout: 8_000,
    });
  });

  test('a partition that another broker leads now is read there', async () => {
    const { topic, given } = await topicOf();
    await cluster.ask('partition_set_leader', topic, 0, 1);
    await using opened = await openInbound(kafkaIn, given);
    await cluster.produce(topic, ['before']);
    await vi.waitFor(() => expect(bodies(opened)).toEqual(['before']));
    await cluster.ask('partition_set_leader', topic, 0, 2);
    await cluster.produce(topic, ['after']);
    await vi.waitFor(() => expect(bodies(opened)).toEqual(['before', 'after']), { timeout: 5_000 });
    expect(opened.lost).toEqual([]);
  });

  test('a broker that is gone and back, twice; the other one is read meanwhile', async () => {
    const { topic, given } = await topicOf(2);
    for (const p of [0, 1]) await cluster.ask('partition_set_leader', topic, p, p + 1);
    await cluster.ask('coordinator_set', 'group', given.group, 1);
    await using opened = await openInbound(kafkaIn, given);
    for (const round of ['a', 'b']) {
      await cluster.ask('broker_set_down', 2);
      await vi.waitFor(() => expect(opened.states.at(-1)?.state).toBe('waiting'), {
        timeout: 5_000,
      });
      await cluster.produce(topic, [`${round}0`], '-p', '0');
      await vi.waitFor(() => expect(bodies(opened)).toContain(`${round}0`), { timeout: 5_000 });
      await cluster.ask('broker_set_up', 2);
      await cluster.produce(topic, [`${round}1`], '-p', '1');
      await vi.waitFor(() => expect(bodies(opened)).toContain(`${round}1`), { timeout: 8_000 });
    }
    expect(opened.delivered).toHaveLength(4);
    // one that is away and leads nothing any more is not waited for
    await cluster.ask('broker_set_down', 2);
    await vi.waitFor(() => expect(opened.states.at(-1)?.state).toBe('waiting'), { timeout: 5_000 });
    await cluster.ask('partition_set_leader', topic, 1, 1);
    await vi.waitFor(() => expect(opened.states.at(-1)?.state).toBe('connected'), {
      timeout: 5_000,
    });
    await cluster.ask('broker_set_up', 2);
    expect(opened.lost).toEqual([]);
    expect(events(opened)).toContain('broker-away');
  });

  test('a topic that is not there is not created', async () => {
    const { given } = await topicOf();
    const none = { ...given, topics: randomUUID() };
    await expect(openInbound(kafkaIn, none)).rejects.toThrow(/There is no topic .* not created/s);
    expect((await testSteps(kafkaIn, none)).at(-1)).toMatchObject({
      name: 'topic',
      result: 'failed',
      cause: expect.stringContaining('There is no topic'),
    });
  });

  test('a broker whose own address is not reached is named, with the remedy', async () => {
    const { given } = await topicOf();
    await using gate = await tcpGate(cluster.ports[0] ?? 0);
    const away = cluster.ports.map((port) => `127.0.0.1:${port}=127.0.0.1:1`);
    const lost = { ...given, connect: `127.0.0.1:${gate.port}`, addresses: away };
    expect((await testSteps(kafkaIn, lost)).at(-1)).toMatchObject({
      name: 'leaders',
      result: 'failed',
      cause: expect.stringMatching(/names 127.0.0.1:1 as the address of a broker/),
      remedy: expect.stringMatching(/advertised\.listeners/),
    });
    await expect(openInbound(kafkaIn, lost)).rejects.toThrow(/advertised\.listeners/);
  });
});
