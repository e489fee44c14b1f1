import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AckPolicy, jetstream, jetstreamManager, StorageType } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { type Durability, startNatsServer } from '../src/broker/embedded/nats-server.ts';
import { load, pace, percentile, timesOf } from './load.ts';
import { message } from './messages.ts';
import { receiver } from './peers.ts';

export interface Baseline {
  readonly perSecond: number;
  /** Median milliseconds of one durable publish, with as many in parallel as there are connections. */
  readonly ackMs: number;
}

/** (a) The same number of durable publishes and consume-acks with the bare client, on its own server. */
// oxlint-disable-next-line max-lines-per-function -- steps in one order, which sharing state across functions would hide
export async function bareClient({
  connections,
  messages,
  durability,
  rate,
}: {
  connections: number;
  messages: number;
  durability: Durability;
  rate?: number | undefined;
}): Promise<Baseline> {
  const data = await mkdtemp(join(tmpdir(), 'waybill-bench-'));
  const server = await startNatsServer({ data, durability });
  const nc = await connect({
    servers: server.url,
    user: server.user ?? '',
    pass: server.password ?? '',
  });
  try {
    const manager = await jetstreamManager(nc);
    const js = jetstream(nc);
    await manager.streams.add({ name: 'BASE', subjects: ['base'], storage: StorageType.File });
    await manager.consumers.add('BASE', {
      durable_name: 'w',
      ack_policy: AckPolicy.Explicit,
      max_ack_pending: 1,
    });
    let taken = 0;
    const done = Promise.withResolvers<void>();
    const consumer = await js.consumers.get('BASE', 'w');
    const consuming = await consumer.consume({
      max_messages: 500,
      callback: (one) => {
        one.ack();
        if (++taken === messages) done.resolve();
      },
    });
    const times: number[] = [];
    let next = 0;
    const began = performance.now();
    const due = pace(rate);
    const publish = async (): Promise<void> => {
      while (next < messages) {
        const n = next++;
        const from = await due(n);
        const { bytes } = message(n);
        await js.publish('base', bytes);
        times.push(performance.now() - from);
      }
    };
    await Promise.all(Array.from({ length: connections }, publish));
    await done.promise;
    const seconds = (performance.now() - began) / 1_000;
    await consuming.close();
    return {
      perSecond: Math.round(messages / seconds),
      ackMs: timesOf(times).p50,
    };
  } finally {
    await nc.close();
    await server.stop();
    await rm(data, { recursive: true, force: true });
  }
}

/** (b) The same senders and receiver, connected without an engine. */
export async function bareSockets({
  connections,
  messages,
  rate,
}: {
  connections: number;
  messages: number;
  rate?: number | undefined;
}): Promise<Baseline> {
  const peer = await receiver(() => undefined);
  try {
    const { seconds, acknowledged } = await load({
      ports: [peer.port],
      portOf: () => 0,
      connections,
      messages,
      first: 0,
      rate,
      onSend: () => undefined,
    });
    return { perSecond: Math.round(messages / seconds), ackMs: percentile(acknowledged, 0.5) };
  } finally {
    await peer.close();
  }
}
