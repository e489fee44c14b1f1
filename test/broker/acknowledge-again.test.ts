import { expect, test, vi } from 'vitest';
import { bodies } from '../../src/broker/bodies.ts';
import { connectBroker } from '../../src/broker/broker.ts';
import { WORKER } from '../../src/broker/names.ts';
import { acknowledgeAgain, takenFrom } from '../../src/broker/queue.ts';
import { ensureStream, takeOverLine } from '../../src/broker/streams.ts';
import { startNats } from '../support/nats.ts';

test('an acknowledgement that the server forgot is repeated, and one that it knows does no harm', async () => {
  await using nats = await startNats();
  await using broker = await connectBroker({ ...nats, production: 'line', role: 'test' });
  const { stream, subject } = broker.names.queue('lab', undefined);
  await ensureStream(broker, stream, [subject], { duplicateWindow: 10_000, limit: 1_000_000 });
  for (let n = 0; n < 2; n++) await broker.publisher.publish(subject, new Uint8Array([n]));
  await takeOverLine(broker, stream);

  const large = await bodies(broker);
  const consumer = await broker.jetstream.consumers.get(stream, WORKER);
  const pending = async (): Promise<number> =>
    (await broker.manager.consumers.info(stream, WORKER)).num_ack_pending;
  const [first, second] = [await consumer.next(), await consumer.next()].map((raw) => {
    if (raw === null) throw new Error('both messages are in the queue');
    return takenFrom(raw, large, broker.turn);
  });
  first?.acknowledge();
  await vi.waitFor(async () => expect(await pending()).toBe(1));

  for (const taken of [first, second]) acknowledgeAgain(broker, taken?.acknowledgeAt ?? '');
  await vi.waitFor(async () => expect(await pending()).toBe(0));
});
