import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { afterAll, describe, expect, test } from 'vitest';
import { kafkaCluster, noKafka, positionOf } from '../support/kafka-cluster.ts';
import { killedAgainAndAgain, type ServiceOrder } from '../support/killed-service.ts';
import { mosquitto, noMosquitto } from '../support/mosquitto.ts';
import { natsPeer } from '../support/nats-peer.ts';
import { noObjectStore, objectStore } from '../support/object-store.ts';
import { noRabbit, type Rabbit, rabbit } from '../support/rabbit.ts';

/** A peer with messages for a service. */
interface Source extends AsyncDisposable {
  readonly order: ServiceOrder;
  put(id: string, body: Buffer): Promise<unknown>;
  /** What has not been taken. */
  left(): Promise<readonly unknown[]>;
  /** Whether a message has a number of its own, by which a repetition is known. */
  readonly keyed: boolean;
  readonly kills?: number;
}

const credentials = { hub: { kind: 'basic', user: 'hub', password: 'pw' } } as const;

let broker: Promise<Rabbit> | undefined;
afterAll(async () => await (await broker)?.[Symbol.asyncDispose]());

async function atRabbit(adapter: 'amqp-in' | 'amqp1-in'): Promise<Source> {
  const server = await (broker ??= rabbit());
  const channel = await (await server.client()).createConfirmChannel();
  const queue = `of-${adapter}`;
  await channel.assertQueue(queue, { durable: true });
  const where = adapter === 'amqp-in' ? { queue } : { address: `/queues/${queue}` };
  const settings = { connect: `127.0.0.1:${server.port}`, credential: 'hub', ...where };
  return {
    order: { adapter, settings, credentials },
    async put(messageId, body) {
      channel.sendToQueue(queue, body, { persistent: true, messageId });
      await channel.waitForConfirms();
    },
    left: async () => Array.from({ length: (await channel.checkQueue(queue)).messageCount }),
    keyed: true,
    [Symbol.asyncDispose]: () => channel.close(),
  };
}

async function atNats(): Promise<Source> {
  const peer = await natsPeer();
  const client = await peer.client();
  const manager = await jetstreamManager(client);
  await manager.streams.add({ name: 's', subjects: ['s.>'] });
  const settings = { connect: `127.0.0.1:${peer.port}`, stream: 's', consumer: 'hub' };
  return {
    order: { adapter: 'nats-in', settings, credentials: {} },
    put: (_, body) => jetstream(client).publish('s.a', body),
    async left() {
      const { num_pending, num_ack_pending } = await manager.consumers.info('s', 'hub');
      return Array.from({ length: num_pending + num_ack_pending });
    },
    keyed: true,
    // each waits until the consumer, which the service has made, gives up on the killed one
    kills: 1,
    [Symbol.asyncDispose]: () => peer[Symbol.asyncDispose](),
  };
}

async function atMosquitto(): Promise<Source> {
  const peer = await mosquitto({ lines: ['max_queued_messages 0'] });
  const settings = { connect: `127.0.0.1:${peer.port}`, topics: ['t'], qos: '1', clientId: 'hub' };
  // the session in which messages wait
  const made = ['-i', 'hub', '-c', '-x', '3600', '-q', '1', '-t', 't', '-E', '-V', '5'];
  await promisify(execFile)('mosquitto_sub', ['-p', String(peer.port), ...made]);
  return {
    order: { adapter: 'mqtt-in', settings, credentials: {} },
    put: (_, body) => peer.publish('t', body),
    // the broker tells nobody; the last one was taken
    left: () => Promise.resolve([]),
    // MQTT numbers no message for longer than a connection
    keyed: false,
    [Symbol.asyncDispose]: () => peer[Symbol.asyncDispose](),
  };
}

async function atKafka(): Promise<Source> {
  const cluster = await kafkaCluster();
  await cluster.createTopic('t');
  const [port = 0] = cluster.ports;
  const settings = { connect: `127.0.0.1:${port}`, topics: ['t'], group: 'hub', session: '1s' };
  let sent = 0;
  return {
    order: { adapter: 'kafka-in', settings, credentials: {} },
    async put(_, body) {
      await cluster.produce('t', [body]);
      sent += 1;
    },
    async left() {
      const position = Number(await positionOf(port, 'hub', { topic: 't' }));
      return Array.from({ length: sent - Math.max(0, position) });
    },
    keyed: true,
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}

async function atObjects(): Promise<Source> {
  const server = await objectStore();
  await server.bucket('lab');
  const where = { endpoint: server.url, bucket: 'lab', pathStyle: true, credential: 'hub' };
  const settings = { ...where, folder: 'in', every: '5ms', stable: '0s', order: 'name' };
  return {
    order: { adapter: 's3-in', settings, credentials },
    put: (id, body) => server.put('lab', `in/${id}.hl7`, body),
    left: () => server.keys('lab'),
    keyed: true,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const SOURCES = [
  { name: 'amqp-in', start: () => atRabbit('amqp-in'), isThere: noRabbit === undefined },
  { name: 'amqp1-in', start: () => atRabbit('amqp1-in'), isThere: noRabbit === undefined },
  { name: 'kafka-in', start: atKafka, isThere: noKafka === undefined },
  { name: 'mqtt-in', start: atMosquitto, isThere: noMosquitto === undefined },
  { name: 'nats-in', start: atNats, isThere: true },
  { name: 's3-in', start: atObjects, isThere: noObjectStore === undefined },
];

const bodyOf = (id: string): string => `MSH|^~\\&|A|B|C|D|2026||ADT^A01|${id}|P|2.5\rPID|1\r`;

const KILLS = 2;
const MESSAGES = 40;

describe.concurrent.each(SOURCES)('$name that is killed in the middle of its work', (source) => {
  test.skipIf(!source.isThere)(
    'gets every message, in order, and repeats at most one a kill',
    async () => {
      await using peer = await source.start();
      const ids = Array.from({ length: MESSAGES }, (_, n) => `m${String(n).padStart(3, '0')}`);
      const coming = ids.values();
      const delivered = await killedAgainAndAgain(peer.order, {
        seed: 5,
        kills: peer.kills ?? KILLS,
        expected: ids,
        keyed: peer.keyed,
        async put() {
          const { value: id } = coming.next();
          if (id === undefined) return 0;
          await peer.put(id, Buffer.from(bodyOf(id)));
          return 1;
        },
        left: () => peer.left(),
      });
      expect(delivered).toEqual(ids.map((id) => ({ id, body: bodyOf(id) })));
    },
  );
});
