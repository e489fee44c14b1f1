import { headers } from '@nats-io/transport-node';
import { expect, test, vi } from 'vitest';
import { bodies } from '../../src/broker/bodies.ts';
import { connectBroker } from '../../src/broker/broker.ts';
import { WORKER } from '../../src/broker/names.ts';
import { ensureStream, ensureWorker } from '../../src/broker/streams.ts';
import { settledMemory } from '../../src/flow/settled-memory.ts';
import { QueueWorker } from '../../src/host/queue-worker.ts';
import { startNats } from '../support/nats.ts';
import { tcpGate } from '../support/tcp-gate.ts';

test('a consumer of a shared queue that somebody removes while NATS is away is made again', async () => {
  await using nats = await startNats();
  await using gate = await tcpGate(Number(new URL(nats.url).port));
  await using direct = await connectBroker({ ...nats, production: 'pool', role: 'test' });
  await using broker = await connectBroker({
    ...nats,
    url: `nats://127.0.0.1:${gate.port}`,
    production: 'pool',
    role: 'test',
  });
  const { stream, subject } = broker.names.queue('lab', undefined);
  await ensureStream(broker, stream, [subject], { duplicateWindow: 10_000, limit: 1_000_000 });
  await ensureWorker(broker, stream, 4);
  const settled = settledMemory();
  const taken: string[] = [];
  const worker = new QueueWorker({
    broker,
    bodies: await bodies(broker),
    stream,
    settled,
    slots: 4,
    restore: async () => void (await ensureWorker(broker, stream, 4)),
    end: () => Promise.resolve(),
    async handle(one) {
      taken.push(Buffer.from(one.message.body.inline ?? []).toString());
      settled.add(one.message.id);
      one.acknowledge();
    },
  });
  await using _ = { [Symbol.asyncDispose]: () => worker.stop(1_000) };
  worker.start();
  const publish = (text: string) => {
    const h = headers();
    h.set('Wb-Id', text);
    return direct.publisher.publish(subject, Buffer.from(text), { headers: h });
  };
  await publish('1');
  await vi.waitFor(() => expect(taken).toEqual(['1']));
  await gate.shut();
  await direct.manager.consumers.delete(stream, WORKER);
  await publish('2');
  await gate.open();
  await vi.waitFor(() => expect(taken).toContain('2'));
});
