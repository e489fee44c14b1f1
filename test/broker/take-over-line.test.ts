import { expect, test } from 'vitest';
import { type Broker, connectBroker } from '../../src/broker/broker.ts';
import { WORKER } from '../../src/broker/names.ts';
import {
  ensureProjector,
  ensureStream,
  ensureWorker,
  reclaimProjector,
  takeOverLine,
} from '../../src/broker/streams.ts';
import { startNats } from '../support/nats.ts';

/** Takes `count` messages as an engine does, acknowledges some, and forgets the rest as a killed one. */
async function work(
  broker: Broker,
  stream: string,
  { count, acknowledge = 0 }: { count: number; acknowledge?: number },
): Promise<number[]> {
  const consumer = await broker.jetstream.consumers.get(stream, WORKER);
  const taken: number[] = [];
  for await (const message of await consumer.fetch({ max_messages: count, expires: 60_000 })) {
    if (taken.length < acknowledge) message.ack();
    taken.push(message.seq);
  }
  await broker.connection.flush();
  return taken;
}

test('a line goes on at its first open message, however often its engines are killed', async () => {
  await using nats = await startNats();
  await using broker = await connectBroker({ ...nats, production: 'line', role: 'test' });
  const { stream, subject } = broker.names.queue('lab', undefined);
  await ensureStream(broker, stream, [subject], { duplicateWindow: 10_000, limit: 1_000_000 });
  for (let n = 0; n < 10; n++) await broker.publisher.publish(subject, new Uint8Array([n]));

  // it never had a consumer, so nobody knows what of it was sent
  expect(await takeOverLine(broker, stream)).toEqual({ until: 10, waits: true, doubt: 10 });
  expect(await work(broker, stream, { count: 6, acknowledge: 4 })).toEqual([1, 2, 3, 4, 5, 6]);
  await takeOverLine(broker, stream);
  // killed before anything is acknowledged: the server then tells a floor of 0
  expect(await work(broker, stream, { count: 2 })).toEqual([5, 6]);
  await takeOverLine(broker, stream);
  expect(await work(broker, stream, { count: 1 })).toEqual([5]);
  // killed between the removal of the consumer and its making
  await broker.manager.consumers.delete(stream, WORKER);
  await takeOverLine(broker, stream);
  expect(await work(broker, stream, { count: 3 })).toEqual([5, 6, 7]);
});

test('engines that start while another takes the line over neither fail nor put it back', async () => {
  await using nats = await startNats();
  const connect = () => connectBroker({ ...nats, production: 'line', role: 'test' });
  await using owner = await connect();
  await using starting = await connect();
  await using another = await connect();
  const { stream, subject } = owner.names.queue('lab', undefined);
  await ensureStream(owner, stream, [subject], { duplicateWindow: 10_000, limit: 1_000_000 });
  for (let n = 0; n < 200; n++) await owner.publisher.publish(subject, new Uint8Array([n]));
  await takeOverLine(owner, stream);
  await ensureProjector(owner, stream);
  let settled = 0;
  for (let round = 0; round < 25; round++) {
    // what was taken and not acknowledged makes whoever takes the line over replace its consumer
    const taken = await work(owner, stream, { count: 5, acknowledge: 3 });
    expect(taken[0]).toBe(settled + 1);
    settled += 3;
    await Promise.all([
      takeOverLine(owner, stream),
      ...[starting, another, starting].map((broker) => ensureWorker(broker, stream, 64)),
      reclaimProjector(owner, stream),
      ...[starting, another].map((broker) => ensureProjector(broker, stream)),
    ]);
  }
});
