import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { AckPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { freePort } from '../../sandbox/free-port.ts';
import { certificates } from '../support/certificates.ts';
import { cups, noCups } from '../support/cups.ts';
import { kafkaCluster, noKafka } from '../support/kafka-cluster.ts';
import { describeKilled, type KilledLine } from '../support/killed-lines.ts';
import { mosquitto, noMosquitto } from '../support/mosquitto.ts';
import { natsPeer } from '../support/nats-peer.ts';
import { noObjectStore, objectStore } from '../support/object-store.ts';
import { noRabbit, rabbit } from '../support/rabbit.ts';

/** How many messages a sender is ahead of its receiver, at most: a broker takes any number. */
const AHEAD = 6;

const peers = new AsyncDisposableStack();
const lines = await Promise.all([
  ...(noRabbit === undefined ? [amqpLine()] : []),
  ...(noMosquitto === undefined ? [mqttLine()] : []),
  natsLine(),
  ...(noKafka === undefined ? [kafkaLine()] : []),
  ...(noObjectStore === undefined ? [s3Line()] : []),
  ...(noCups === undefined ? [printLine()] : []),
]);

async function amqpLine(): Promise<KilledLine> {
  const broker = peers.use(await rabbit());
  const channel = await (await broker.client()).createConfirmChannel();
  await channel.assertQueue('from', { durable: true });
  await channel.assertQueue('to', { durable: true });
  const arrived: number[] = [];
  const take = (body: Buffer | undefined): number => arrived.push(Number(body));
  await channel.consume('to', (message) => take(message?.content), { noAck: true });
  const at = `connect: "127.0.0.1:${broker.port}", credential: hub`;
  return {
    name: 'amqp',
    listen: undefined,
    ahead: AHEAD,
    service: `{ ${at}, queue: from, type: text/plain }`,
    operation: `{ ${at}, routingKey: to }`,
    async send(n) {
      channel.sendToQueue('from', Buffer.from(String(n)), {
        persistent: true,
        messageId: String(n),
      });
      await channel.waitForConfirms();
      return true;
    },
    arrived: () => Promise.resolve(arrived),
  };
}

async function mqttLine(): Promise<KilledLine> {
  const broker = peers.use(await mosquitto({ lines: ['max_queued_messages 0'] }));
  // the session in which messages wait before the engine comes for the first time
  const session = ['-i', 'hub', '-c', '-x', '3600', '-q', '1', '-t', 'from', '-E', '-V', '5'];
  await promisify(execFile)('mosquitto_sub', ['-p', String(broker.port), ...session]);
  const { heard } = await broker.listen('to');
  const at = `connect: "127.0.0.1:${broker.port}"`;
  return {
    name: 'mqtt',
    listen: undefined,
    ahead: AHEAD,
    service: `{ ${at}, topics: [from], clientId: hub, type: text/plain }`,
    operation: `{ ${at}, topic: to }`,
    async send(n) {
      await broker.publish('from', String(n));
      return true;
    },
    arrived: () => Promise.resolve(heard.map(Number)),
  };
}

async function natsLine(): Promise<KilledLine> {
  const peer = peers.use(await natsPeer());
  const client = await peer.client();
  const manager = await jetstreamManager(client);
  for (const name of ['from', 'to']) await manager.streams.add({ name, subjects: [`${name}.>`] });
  // one at a time, so that what a kill leaves unacknowledged comes before the next message
  const durable = { durable_name: 'hub', ack_policy: AckPolicy.Explicit };
  await manager.consumers.add('from', { ...durable, ack_wait: 400_000_000, max_ack_pending: 1 });
  const arrived: number[] = [];
  client.subscribe('to.>', { callback: (_, message) => void arrived.push(Number(message.data)) });
  const at = `connect: ["127.0.0.1:${peer.port}"]`;
  return {
    name: 'nats',
    listen: undefined,
    ahead: AHEAD,
    service: `{ ${at}, stream: from, consumer: hub, type: text/plain }`,
    operation: `{ ${at}, subject: to.a }`,
    async send(n) {
      await jetstream(client).publish('from.a', String(n));
      return true;
    },
    arrived: () => Promise.resolve(arrived),
  };
}

async function kafkaLine(): Promise<KilledLine> {
  const cluster = peers.use(await kafkaCluster());
  for (const name of ['from', 'to']) await cluster.createTopic(name);
  const at = `connect: ["127.0.0.1:${cluster.ports[0]}"]`;
  return {
    name: 'kafka',
    listen: undefined,
    ahead: AHEAD,
    service: `{ ${at}, topics: [from], group: hub, session: 1s, type: text/plain }`,
    operation: `{ ${at}, topic: to }`,
    async send(n) {
      await cluster.produce('from', [String(n)]);
      return true;
    },
    arrived: async () => (await cluster.bodies('to')).map(Number),
  };
}

async function s3Line(): Promise<KilledLine> {
  const server = peers.use(await objectStore());
  for (const bucket of ['inbox', 'outbox']) await server.bucket(bucket);
  const at = `endpoint: "${server.url}", pathStyle: true, credential: hub`;
  return {
    name: 's3',
    listen: undefined,
    ahead: AHEAD,
    service: `{ ${at}, bucket: inbox, folder: in, every: 50ms, stable: 0s, order: name }`,
    operation: `{ ${at}, bucket: outbox, folder: out, name: "{id} {body()}" }`,
    async send(n) {
      await server.put('inbox', `in/${String(n).padStart(6, '0')}.txt`, String(n));
      return true;
    },
    async arrived() {
      const names = (await server.keys('outbox')).map((key) =>
        key.slice('out/'.length).split(' ').map(Number),
      );
      return names.toSorted(([a = 0], [b = 0]) => a - b).map(([, n]) => n ?? Number.NaN);
    },
  };
}

async function printLine(): Promise<KilledLine> {
  const files = peers.use(await certificates());
  const server = peers.use(await cups(files.server));
  const queue = await server.queue('ward');
  const listen = await freePort();
  const printed = async (): Promise<number[]> => (await queue.printed()).map(Number);
  return {
    name: 'print',
    listen,
    ahead: AHEAD,
    adapters: { in: 'tcp-in', out: 'print-out' },
    service: `{ listen: "127.0.0.1:${listen}", type: text/plain, answer: stored }`,
    operation: `{ url: "ipp://127.0.0.1:${server.port}${queue.path}", format: application/octet-stream }`,
    async send(n) {
      const socket = connect(listen, '127.0.0.1');
      try {
        socket.write(`${n}\n`);
        const ended = once(socket, 'end').then(() => [Buffer.alloc(1)]);
        const [answer] = (await Promise.race([once(socket, 'data'), ended])) as [Buffer];
        return answer[0] === 6;
      } finally {
        socket.destroy();
      }
    },
    arrived: printed,
  };
}

describeKilled(lines, peers, 'credentials: { hub: { kind: basic, user: hub, password: pw } }');
