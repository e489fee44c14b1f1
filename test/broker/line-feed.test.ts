import { setTimeout as sleep } from 'node:timers/promises';
import * as fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { bodies } from '../../src/broker/bodies.ts';
import { type Broker, connectBroker } from '../../src/broker/broker.ts';
import { envelopeHeaders } from '../../src/broker/envelope.ts';
import { type HandOffs, handOffs } from '../../src/broker/hand-offs.ts';
import { type LineFeed, lineFeed } from '../../src/broker/line-feed.ts';
import { WORKER } from '../../src/broker/names.ts';
import type { Taken } from '../../src/broker/queue.ts';
import { ensureStream, takeOverLine, workerInfo } from '../../src/broker/streams.ts';
import { inlineBody } from '../../src/message/body.ts';
import type { Message } from '../../src/message/message.ts';
import { examples } from '../support/examples.ts';
import { startNats } from '../support/nats.ts';

const settle = (one: Taken): void => one.acknowledge();

const messageOf = (id: number, size = 1): Message => ({
  id,
  sessionId: id,
  source: 'in',
  target: 'lab',
  type: 'text/plain',
  created: 1,
  received: 1,
  size,
  body: inlineBody(new Uint8Array(size)),
});

/** A line, an engine that works on it, and another one that only stores in it. */
async function line({ limit, name = 'lab' }: { limit?: number; name?: string } = {}) {
  const stack = new AsyncDisposableStack();
  const nats = stack.use(await startNats());
  const broker = stack.use(await connectBroker({ ...nats, production: 'line', role: 'own' }));
  const other = stack.use(await connectBroker({ ...nats, production: 'line', role: 'other' }));
  const { stream, subject } = broker.names.queue(name, undefined);
  await ensureStream(broker, stream, [subject], { duplicateWindow: 10_000, limit: 50_000_000 });
  await takeOverLine(broker, stream);
  const hands = handOffs(limit);
  const store = async (from: Broker, id: number, size?: number): Promise<number> => {
    const message = messageOf(id, size);
    const { sequence } = await from.publisher.publish(subject, new Uint8Array(message.size), {
      headers: envelopeHeaders(message),
    });
    if (from === broker) hands.offer(stream, sequence, message);
    return sequence;
  };
  return {
    broker,
    stream,
    hands,
    own: (id: number, size?: number) => store(broker, id, size),
    foreign: (id: number) => store(other, id),
    feed: async (take: (taken: Taken) => void, given: HandOffs | undefined = hands) =>
      lineFeed({
        broker,
        bodies: await bodies(broker),
        stream,
        take,
        failed: (error) => {
          throw error;
        },
        handOffs: given,
      }),
    floor: async () => (await workerInfo(broker, stream))?.ack_floor.stream_seq,
    open: async () => {
      const info = await workerInfo(broker, stream);
      return (info?.num_pending ?? 0) + (info?.num_ack_pending ?? 0);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

test('a message is taken when it is stored, before the server delivers it', async () => {
  await using on = await line();
  const taken: Taken[] = [];
  const feed = await on.feed((one) => taken.push(one));
  await on.own(1);
  // in the same turn as the receipt: nothing was awaited
  expect(taken.map(({ message }) => message.id)).toEqual([1]);
  expect(taken[0]).toMatchObject({ sequence: 1, delivery: 1, woken: false });
  taken[0]?.acknowledge();
  await vi.waitFor(async () => expect(await on.floor()).toBe(1));
  feed.stop();
  await feed.closed();
});

test('what was delivered to nobody who still works on it is not passed: the line is taken over again', async () => {
  await using on = await line();
  for (const id of [1, 2, 3]) await on.foreign(id);
  // as a kill after the line was taken over leaves it: with the state of the consumer before
  const before = await on.broker.jetstream.consumers.get(on.stream, WORKER);
  for await (const _ of await before.fetch({ max_messages: 3 }));
  const order: number[] = [];
  const take = (one: Taken): void => {
    order.push(one.sequence);
    one.acknowledge();
  };
  const first = await on.feed(take);
  await on.own(4);
  await first.closed();
  await takeOverLine(on.broker, on.stream);
  const second = await on.feed(take);
  await vi.waitFor(() => expect(order).toEqual([1, 2, 3, 4]));
  second.stop();
});

test('what others store comes at its place, once, whoever stores when', async () => {
  await using on = await line();
  const order: number[] = [];
  const waiting: Taken[] = [];
  const feed = await on.feed((one) => {
    order.push(one.sequence);
    waiting.push(one);
  });
  let id = 0;
  const acts = fc.array(fc.constantFrom('own', 'own', 'own', 'foreign', 'settle', 'pause'), {
    minLength: 20,
    maxLength: 120,
  });
  await fc.assert(
    fc.asyncProperty(acts, async (run) => {
      const stored: Promise<number>[] = [];
      for (const act of run) {
        if (act === 'settle') for (const one of waiting.splice(0)) one.acknowledge();
        else if (act === 'pause') await sleep(3);
        else stored.push(act === 'own' ? on.own(++id) : on.foreign(++id));
      }
      await Promise.all(stored);
      await vi.waitFor(async () => {
        for (const one of waiting.splice(0)) one.acknowledge();
        expect(await on.open()).toBe(0);
      });
      expect(order).toEqual(Array.from({ length: id }, (_, n) => n + 1));
    }),
    { numRuns: examples(15) },
  );
  feed.stop();
});

test('a line whose receiver is away holds a part of what waits, and loses nothing of the rest', async () => {
  await using on = await line({ limit: 100_000 });
  const taken: Taken[] = [];
  const feed = await on.feed((one) => taken.push(one));
  for (let id = 1; id <= 300; id++) await on.own(id, 1_000);
  // one hundred by their size, and what the server delivers without an acknowledgement
  expect(taken.length).toBeLessThan(200);
  expect(on.hands.hold(50_000)).toBe(false);
  const order: number[] = [];
  await vi.waitFor(() => {
    for (const one of taken.splice(0)) {
      order.push(one.message.id);
      one.acknowledge();
    }
    expect(order).toHaveLength(300);
  });
  expect(order).toEqual(Array.from({ length: 300 }, (_, n) => n + 1));
  await vi.waitFor(async () => expect(await on.open()).toBe(0));
  expect(on.hands.hold(100_000)).toBe(true);
  feed.stop();
});

test('a line that ends acknowledges what it has settled, and the next one begins after it', async () => {
  await using on = await line();
  let feed = await on.feed(settle);
  const storing: Promise<number>[] = [];
  for (let id = 1; id <= 200; id++) storing.push(on.own(id));
  await Promise.all(storing);
  feed.halt();
  expect(await feed.settleRest()).toBe(true);
  await vi.waitFor(async () => expect(await on.floor()).toBe(200));

  // what was not settled comes again, first
  const left: number[] = [];
  feed = await on.feed((one) => left.push(one.sequence));
  await on.own(201);
  await on.own(202);
  expect(left).toEqual([201, 202]);
  feed.halt();
  expect(await feed.settleRest()).toBe(true);
  // nothing of what it leaves counts as held
  expect(on.hands.hold(16 * 1024 * 1024)).toBe(true);
  await takeOverLine(on.broker, on.stream);
  const again: number[] = [];
  const next: LineFeed = await on.feed((one) => again.push(one.sequence), undefined);
  await vi.waitFor(() => expect(again).toEqual([201, 202]));
  next.stop();
});

test('under load the server is asked for many at a time', async () => {
  await using on = await line();
  const feed = await on.feed((one) => one.acknowledge());
  const began = performance.now();
  for (let id = 1; id <= 400; id++) {
    await on.own(id);
    await sleep(1);
  }
  await vi.waitFor(async () => expect(await on.open()).toBe(0));
  const { outMsgs } = on.broker.connection.stats();
  // 400 messages, their acknowledgements, and what is asked every 50 ms; a request for each would be as many again
  const asked = Math.ceil((performance.now() - began) / 50);
  expect(outMsgs).toBeLessThan(2 * 400 + 150 + asked);
  feed.stop();
});
