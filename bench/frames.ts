import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  AckPolicy,
  type JsMsg,
  jetstream,
  jetstreamManager,
  StorageType,
} from '@nats-io/jetstream';
import { connect, headers, type NatsConnection } from '@nats-io/transport-node';
import { startNatsServer } from '../src/broker/embedded/nats-server.ts';
import { envelopeHeaders, readEnvelope } from '../src/broker/envelope.ts';
import { publisher, turn } from '../src/broker/publisher.ts';
import { print, table } from '../src/cli/output.ts';
import type { Envelope } from '../src/message/envelope.ts';
import { cpuOf } from './engine-process.ts';
import { median } from './median.ts';
import { message } from './messages.ts';

/**
 * What queue frames would save: messages that leave together, each as its own JetStream message
 * with an envelope of headers, as a queue has them; and as one JetStream message that holds them all.
 * Both are read by two consumers (worker and projector) that decode each envelope. The rest of an
 * engine's work is the same for both and is left out.
 */

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '20000' },
    rounds: { type: 'string', default: '3' },
    durability: { type: 'string', default: 'process-crash' },
  },
});
const messages = Number(values.messages);

const GROUPS = [1, 3, 10];
const WAYS = ['messages', 'frames'] as const;
type Way = (typeof WAYS)[number];

const envelopeOf = (n: number): Envelope => ({
  id: 4_000_000_000_000 + n,
  sessionId: 4_000_000_000_000 + n,
  source: 'in',
  target: 'out',
  type: 'HL7v2:ADT_A01:2.5.1',
  created: 1_790_000_000_000 + n,
  received: 1_790_000_000_000 + n,
  size: 1_200,
  name: 'ADT^A01',
});

const HEAD = 8;

function frame(first: number, count: number): Buffer {
  const parts: Buffer[] = [];
  for (let n = first; n < first + count; n++) {
    const envelope = Buffer.from(JSON.stringify(envelopeOf(n)));
    const { bytes } = message(n);
    const head = Buffer.allocUnsafe(HEAD);
    head.writeUInt32BE(envelope.byteLength, 0);
    head.writeUInt32BE(bytes.byteLength, 4);
    parts.push(head, envelope, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }
  return Buffer.concat(parts);
}

function readFrame(bytes: Uint8Array): number {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let count = 0;
  for (let at = 0; at < all.byteLength; count++) {
    const envelope = all.readUInt32BE(at);
    const body = all.readUInt32BE(at + 4);
    JSON.parse(all.toString('utf8', at + HEAD, at + HEAD + envelope));
    at += HEAD + envelope + body;
  }
  return count;
}

function readOne(one: JsMsg): number {
  if (one.headers !== undefined) readEnvelope(one.headers);
  return 1;
}

async function consumed(
  connection: NatsConnection,
  way: Way,
  name: string,
): Promise<() => Promise<void>> {
  const manager = await jetstreamManager(connection);
  await manager.consumers.add('FRAMES', { durable_name: name, ack_policy: AckPolicy.All });
  const consumer = await jetstream(connection).consumers.get('FRAMES', name);
  let taken = 0;
  const done = Promise.withResolvers<void>();
  const consuming = await consumer.consume({
    max_messages: 500,
    callback: (one) => {
      const before = taken;
      taken += way === 'frames' ? readFrame(one.data) : readOne(one);
      if (Math.floor(taken / 64) > Math.floor(before / 64)) one.ack();
      if (taken === messages) done.resolve();
    },
  });
  return async () => {
    await done.promise;
    await consuming.close();
  };
}

async function measure(
  way: Way,
  group: number,
): Promise<{ client: number; nats: number; took: number }> {
  const data = await mkdtemp(join(tmpdir(), 'waybill-bench-'));
  const server = await startNatsServer({
    data,
    durability: values.durability === 'power-loss' ? 'power-loss' : 'process-crash',
  });
  const connection = await connect({
    servers: server.url,
    user: server.user ?? '',
    pass: server.password ?? '',
  });
  try {
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: 'FRAMES', subjects: ['frames'], storage: StorageType.File });
    const pid = (JSON.parse(readFileSync(join(data, 'nats.json'), 'utf8')) as { pid: number }).pid;
    const ends = [
      await consumed(connection, way, 'worker'),
      await consumed(connection, way, 'projector'),
    ];
    const queue = publisher(connection, { headers, turn: turn() });
    const [own, its, began] = [process.cpuUsage(), cpuOf(pid), performance.now()];
    for (let n = 0; n < messages; n += group) {
      const count = Math.min(group, messages - n);
      if (way === 'frames') await queue.publish('frames', frame(n, count), { msgID: `f${n}` });
      else
        await Promise.all(
          Array.from({ length: count }, (_, k) =>
            queue.publish('frames', message(n + k).bytes, {
              headers: envelopeHeaders(envelopeOf(n + k)),
              msgID: `m${n + k}`,
            }),
          ),
        );
    }
    for (const end of ends) await end();
    const used = process.cpuUsage(own);
    return {
      client: (used.user + used.system) / 1_000 / messages,
      nats: ((cpuOf(pid) - its) * 1_000) / messages,
      took: (performance.now() - began) / messages,
    };
  } finally {
    await connection.close();
    await server.stop();
    await rm(data, { recursive: true, force: true });
  }
}

const rows: string[][] = [];
for (const group of GROUPS) {
  const found = { messages: [], frames: [] } as Record<Way, Awaited<ReturnType<typeof measure>>[]>;
  for (let round = 0; round < Number(values.rounds); round++)
    for (const way of WAYS) found[way].push(await measure(way, group));
  const of = (way: Way, what: 'client' | 'nats' | 'took'): number =>
    median(found[way].map((one) => one[what]));
  for (const what of ['client', 'nats', 'took'] as const)
    rows.push([
      String(group),
      what,
      of('messages', what).toFixed(4),
      of('frames', what).toFixed(4),
      (of('frames', what) / of('messages', what)).toFixed(2),
    ]);
}
print(table([['together', 'ms a message', 'messages', 'frames', 'ratio'], ...rows]));
