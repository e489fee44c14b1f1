import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type JetStreamClient, jetstream, jetstreamManager, StorageType } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { type Durability, startNatsServer } from '../src/broker/embedded/nats-server.ts';
import { background } from '../src/error/background.ts';
import { load, timesOf } from './load.ts';
import { controlIdOf, frame, onFrames, receiver, sender } from './peers.ts';

/** What the least engine did with a flood. */
export interface Least {
  /** As it arrived at the receiver. */
  readonly perSecond: number;
  readonly ackMs: number;
}

/** Outcomes of a line that are being stored, as in Waybill: a crash repeats at most these. */
const OUTCOMES = 2;

/**
 * (c) The least that an engine with a strict line can do, in a process of its own: a message is stored with a durable
 * publish and then acknowledged, handed over in memory, sent to the receiver, and its outcome stored with another one.
 * No envelope, trace, rule, retry, time limit or metric; nothing is read back from NATS. So the rate is an upper bound
 * for what an engine that stores each message by itself reaches with this client and these sockets; `together`, for one
 * that stores what comes meanwhile as one.
 */
export async function leastEngine({
  connections,
  messages,
  durability,
  together = false,
}: {
  readonly connections: number;
  readonly messages: number;
  readonly durability: Durability;
  readonly together?: boolean;
}): Promise<Least> {
  await using undo = new AsyncDisposableStack();
  const data = await mkdtemp(join(tmpdir(), 'waybill-bench-'));
  undo.defer(() => rm(data, { recursive: true, force: true }));
  const server = await startNatsServer({ data, durability });
  undo.defer(() => server.stop());
  const peer = await receiver(() => undefined);
  undo.defer(() => peer.close());
  const child = fork(fileURLToPath(import.meta.url), {
    env: {
      ...process.env,
      LEAST_NATS: server.url,
      LEAST_USER: server.user ?? '',
      LEAST_PASSWORD: server.password ?? '',
      LEAST_OUT: String(peer.port),
      LEAST_TOGETHER: together ? '1' : '',
    },
  });
  undo.defer(async () => {
    child.kill();
    await once(child, 'exit');
  });
  const [port] = (await once(child, 'message')) as [number];
  const began = performance.now();
  const { acknowledged } = await load({
    ports: [port],
    portOf: () => 0,
    connections,
    messages,
    first: 0,
    onSend: () => undefined,
  });
  while (peer.count() < messages) await sleep(5);
  const seconds = (performance.now() - began) / 1_000;
  return { perSecond: Math.round(messages / seconds), ackMs: timesOf(acknowledged).p50 };
}

/** Runs in the engine's process: tells its port and goes on until it is killed. */
async function runEngine(): Promise<void> {
  const { LEAST_NATS = '', LEAST_USER = '', LEAST_PASSWORD = '', LEAST_OUT } = process.env;
  const nats = await connect({ servers: LEAST_NATS, user: LEAST_USER, pass: LEAST_PASSWORD });
  const { streams } = await jetstreamManager(nats);
  await streams.add({ name: 'QUEUE', subjects: ['queue'], storage: StorageType.File });
  await streams.add({ name: 'OUTCOMES', subjects: ['outcome'], storage: StorageType.File });
  const stream = jetstream(nats);
  const handOver = await line(stream, Number(LEAST_OUT));
  const storing = process.env['LEAST_TOGETHER'] === '1' ? storedTogether : storedAlone;
  const store = storing(stream, handOver);
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    onFrames(socket, (body) => {
      const message = Buffer.from(body);
      const accept = async (): Promise<void> => {
        await store(message);
        const id = controlIdOf(message);
        socket.write(frame(Buffer.from(`MSH|^~\\&|||||||ACK||P|2.5.1\rMSA|AA|${id}\r`)));
      };
      background(accept(), 'accepting a message');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.send?.((server.address() as AddressInfo).port);
}

type Storing = (
  stream: JetStreamClient,
  handOver: (message: Buffer) => void,
) => (message: Buffer) => Promise<void>;

const storedAlone: Storing = (stream, handOver) => async (message) => {
  await stream.publish('queue', message);
  handOver(message);
};

/** What comes while something is being stored waits, and is then stored as one. */
const storedTogether: Storing = (stream, handOver) => {
  let coming: Buffer[] = [];
  let stored: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  const after = async (before: Promise<void>): Promise<void> => {
    await before;
    const those = coming;
    coming = [];
    next = undefined;
    await stream.publish('queue', Buffer.concat(those));
    for (const one of those) handOver(one);
  };
  return (message) => {
    coming.push(message);
    next ??= after(stored);
    stored = next;
    return next;
  };
};

/** Sends what it is given, one after another, on one connection. */
async function line(stream: JetStreamClient, port: number): Promise<(message: Buffer) => void> {
  const waiting: Buffer[] = [];
  const out = await sender(port);
  let wake = Promise.withResolvers<void>();
  const work = async (): Promise<never> => {
    const outcomes: Promise<unknown>[] = [];
    for (;;) {
      const message = waiting.shift();
      if (message === undefined) {
        await wake.promise;
        wake = Promise.withResolvers();
        continue;
      }
      await out.send(message);
      if (outcomes.length >= OUTCOMES) await outcomes.shift();
      outcomes.push(stream.publish('outcome', Buffer.from(`sent ${controlIdOf(message)}`)));
    }
  };
  background(work(), 'sending messages');
  return (message) => {
    waiting.push(message);
    wake.resolve();
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runEngine();
