import { setTimeout as sleep } from 'node:timers/promises';
import { headers } from '@nats-io/transport-node';
import { expect, test, vi } from 'vitest';
import { bodies } from '../../src/broker/bodies.ts';
import { connectBroker } from '../../src/broker/broker.ts';
import type { Taken } from '../../src/broker/queue.ts';
import { ensureStream, ensureWorker, takeOverLine } from '../../src/broker/streams.ts';
import { EngineError } from '../../src/error/engine-error.ts';
import { hearUnexpected } from '../../src/error/unexpected.ts';
import type { EndOrder } from '../../src/flow/end-message.ts';
import { settledMemory } from '../../src/flow/settled-memory.ts';
import { QueueWorker, type QueueWorkerOptions } from '../../src/host/queue-worker.ts';
import { startNats } from '../support/nats.ts';

const textOf = ({ message }: Taken): string => Buffer.from(message.body.inline ?? []).toString();

/** A worker on a queue of its own, and what became of its messages. */
async function workerOn(
  line: boolean,
  parts: Pick<QueueWorkerOptions, 'handle'> & Partial<QueueWorkerOptions>,
) {
  const nats = await startNats();
  const broker = await connectBroker({ ...nats, production: line ? 'line' : 'pool', role: 'test' });
  const { stream, subject } = broker.names.queue('lab', undefined);
  await ensureStream(broker, stream, [subject], { duplicateWindow: 10_000, limit: 1_000_000 });
  if (line) await takeOverLine(broker, stream);
  else await ensureWorker(broker, stream, 4);
  const settled = settledMemory();
  const ended: { text: string; order: EndOrder }[] = [];
  const told: string[] = [];
  const unhear = hearUnexpected(({ what }) => told.push(what));
  const worker = new QueueWorker({
    broker,
    bodies: await bodies(broker),
    stream,
    settled,
    slots: line ? 1 : 4,
    takeOver: line ? () => takeOverLine(broker, stream) : undefined,
    restore: async () => void (await ensureWorker(broker, stream, 4)),
    async end({ taken, order }) {
      ended.push({ text: textOf(taken), order });
      taken.acknowledge();
    },
    ...parts,
  });
  worker.start();
  return {
    worker,
    ended,
    told,
    publish(text: string) {
      const h = headers();
      h.set('Wb-Id', text);
      return broker.publisher.publish(subject, Buffer.from(text), { headers: h });
    },
    settle(taken: Taken) {
      settled.add(taken.message.id);
      taken.acknowledge();
    },
    async [Symbol.asyncDispose]() {
      await worker.stop(1_000);
      unhear();
      await broker.close();
      await nats.stop();
    },
  };
}

test.for([true, false])(
  'a message on which the program itself fails is begun a few times, then suspended; line: %s',
  async (line) => {
    const begun: string[] = [];
    await using on = await workerOn(line, {
      async handle(taken) {
        const text = textOf(taken);
        begun.push(`${text}.${taken.delivery}`);
        if (text === '2') throw new TypeError('PID|Doe^John');
        on.settle(taken);
      },
    });
    for (const text of ['1', '2', '3']) await on.publish(text);
    await vi.waitFor(() => expect(begun).toContain('3.1'));
    await vi.waitFor(() => expect(on.ended).toHaveLength(1));
    expect(on.ended[0]).toMatchObject({
      text: '2',
      order: { status: 'suspended', by: 'waybill', code: 'ENGINE_FAULT' },
    });
    expect(on.ended[0]?.order.reason).toMatch(/failed on this message 3 times: TypeError at /);
    expect(on.ended[0]?.order.reason).not.toContain('Doe');
    // what was begun again may have been sent: it counts as delivered again
    expect(begun.filter((text) => text.startsWith('2'))).toEqual(['2.1', '2.2', '2.3']);
    // nothing of a line passes it
    expect(begun.indexOf('3.1') > begun.indexOf('2.3')).toBe(line);
    expect(on.told).toEqual([expect.stringContaining('working on a message of WB_')]);
  },
);

test('while NATS is away a message goes back as often as it takes, and a line keeps its order', async () => {
  let failures = 5;
  const done: string[] = [];
  await using on = await workerOn(true, {
    async handle(taken) {
      const text = textOf(taken);
      if (text === '2' && failures-- > 0) {
        throw new EngineError('QUEUE_UNAVAILABLE', 'away', { retryable: true });
      }
      done.push(text);
      on.settle(taken);
    },
  });
  for (const text of ['1', '2', '3', '4']) await on.publish(text);
  await vi.waitFor(() => expect(done).toEqual(['1', '2', '3', '4']));
  expect(on.ended).toEqual([]);
  expect(on.told).toEqual([]);
});

test('a message that cannot even be suspended stays at the head of its line', async () => {
  const done: string[] = [];
  let ends = 0;
  await using on = await workerOn(true, {
    async handle(taken) {
      if (textOf(taken) === '1') throw new TypeError('handle');
      done.push(textOf(taken));
      taken.acknowledge();
    },
    async end() {
      ends += 1;
      throw new TypeError('end');
    },
  });
  for (const text of ['1', '2']) await on.publish(text);
  await vi.waitFor(() => expect(ends).toBe(1));
  await sleep(500);
  expect(done).toEqual([]);
  expect(on.told).toContain('ending a message of WB_line_Q_lab');
  // a stop does not wait for it
  const began = performance.now();
  await on.worker.stop(200);
  expect(performance.now() - began).toBeLessThan(15_000);
});
