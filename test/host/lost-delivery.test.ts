import { expect, test, vi } from 'vitest';
import { bodies } from '../../src/broker/bodies.ts';
import { connectBroker } from '../../src/broker/broker.ts';
import { WORKER } from '../../src/broker/names.ts';
import { ensureStream, takeOverLine } from '../../src/broker/streams.ts';
import { settledMemory } from '../../src/flow/settled-memory.ts';
import { QueueWorker } from '../../src/host/queue-worker.ts';
import { startNats } from '../support/nats.ts';

test('a delivery that is lost does not let the messages after it pass', async () => {
  await using nats = await startNats();
  await using broker = await connectBroker({ ...nats, production: 'line', role: 'test' });
  await using thief = await connectBroker({ ...nats, production: 'line', role: 'thief' });
  const { stream, subject } = broker.names.queue('lab', undefined);
  await ensureStream(broker, stream, [subject], { duplicateWindow: 10_000, limit: 1_000_000 });
  await takeOverLine(broker, stream);

  const handled: number[] = [];
  const takeOver = vi.fn<() => Promise<unknown>>(() => takeOverLine(broker, stream));
  const worker = new QueueWorker({
    broker,
    bodies: await bodies(broker),
    stream,
    settled: settledMemory(),
    slots: 1,
    takeOver,
    restore: () => Promise.reject(new Error('a line is taken over')),
    async handle(taken) {
      handled.push(taken.sequence);
      taken.acknowledge();
    },
    end: () => Promise.reject(new Error('nobody ends a message here')),
  });
  worker.start();
  await broker.publisher.publish(subject, Buffer.from('1'));
  await vi.waitFor(() => expect(handled).toEqual([1]));

  // a request beside the worker's: the server gives it one message, which nobody works on
  const consumer = await thief.jetstream.consumers.get(stream, WORKER);
  const stolen = consumer.next({ expires: 60_000 });
  await vi.waitFor(async () => {
    const { num_waiting } = await broker.manager.consumers.info(stream, WORKER);
    expect(num_waiting).toBeGreaterThan(1);
  });
  for (let n = 2; n <= 20; n++) await broker.publisher.publish(subject, Buffer.from(`${n}`));
  const lost = (await stolen)?.seq;
  expect(lost).toBeGreaterThan(1);

  await vi.waitFor(() => expect(handled).toHaveLength(20));
  expect(handled).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
  expect(takeOver).toHaveBeenCalledOnce();
  await worker.stop(1_000);
});
