import { setTimeout } from 'node:timers/promises';
import { Kvm } from '@nats-io/kv';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Broker, connectBroker } from '../../src/broker/broker.ts';
import { orders, Untouched, uncertain } from '../../src/broker/orders.ts';
import { processIdentity } from '../../src/broker/process-identity.ts';
import { EngineError } from '../../src/error/engine-error.ts';
import { gone } from '../support/gone.ts';
import { startNats } from '../support/nats.ts';

let nats: Awaited<ReturnType<typeof startNats>>;
let broker: Broker;
let runs = 0;

beforeAll(async () => {
  nats = await startNats();
  broker = await connectBroker({ ...nats, production: 'orders', role: 'test' });
});
afterAll(async () => {
  await broker[Symbol.asyncDispose]();
  await nats[Symbol.asyncDispose]();
});

/** As of another engine, which waits for others only shortly. */
const batch = (patience = 300) => orders(broker, { patience }).batch();

const carried = {
  begin: async () => ({ from: 7 }),
  run: async (before: { from: number } | undefined) => ({ run: ++runs, before: before?.from }),
};
const failing = (error: Error) => ({
  ...carried,
  run: async (): Promise<never> => {
    throw error;
  },
});
const no = (retryable: boolean) => new EngineError('QUEUE_UNAVAILABLE', 'no', { retryable });

test('an order is done once over all engines, alone or among others; what a batch left open is told to the next', async () => {
  runs = 0;
  const first = await batch();
  expect(await first.once('a', carried)).toEqual({ run: 1, before: undefined });
  const b = () => first.once('b', carried);
  expect(await first.alone('suspended.5', 'b', b)).toEqual({ run: 2, before: undefined });
  // somebody else acts on that message
  const second = await batch();
  expect(await second.alone('suspended.5', 'c', b)).toBeUndefined();
  expect(await second.known('a')).toEqual({ begun: { from: 7 } });
  await first.end();
  expect(await second.known('a')).toEqual({ result: { run: 1 } });
  expect(await second.known('never')).toBeUndefined();
  expect(await second.once('a', carried)).toEqual({ run: 1 });
  expect(await second.alone('suspended.5', 'b', () => second.once('b', carried))).toEqual({
    run: 2,
  });

  const lone = await batch();
  expect(await lone.once('lone', carried)).toMatchObject({ run: 3 });
  await lone.end();
  // three at once: two wait for the first
  const three = await Promise.all([batch(), batch(), batch()]);
  const answers = await Promise.all(
    three.map(async (one) => {
      const answer = await one.once('three', carried);
      await one.end();
      return answer;
    }),
  );
  expect(new Set(answers.map(({ run }) => run))).toEqual(new Set([4]));
  expect(await (await batch()).once('lone', carried)).toEqual({ run: 3 });

  // a batch that is killed never ends; the next is killed as well
  await (await batch()).once('d', carried);
  await (await batch()).once('d', carried);
  expect(await (await batch()).once('d', carried)).toEqual({ run: 7, before: 7 });
});

test('what failed for good or did nothing is new again; what may be stored is told, and who is sure of nothing stays so', async () => {
  runs = 0;
  const first = await batch();
  await expect(first.once('e', failing(no(false)))).rejects.toThrow('no');
  await expect(first.once('f', failing(no(true)))).rejects.toThrow('no');
  await expect(first.once('u', failing(uncertain()))).rejects.toThrow('not known');
  const full = new Untouched('QUEUE_FULL', 'full', { retryable: true });
  const filled = () => first.once('g', failing(full));
  await expect(first.alone('suspended.6', 'g', filled)).rejects.toThrow('full');
  await first.end();
  const second = await batch(60_000);
  const began = performance.now();
  expect(await second.once('e', carried)).toEqual({ run: 1, before: undefined });
  expect(await second.once('f', carried)).toEqual({ run: 2, before: 7 });
  expect(await second.once('u', carried)).toEqual({ run: 3, before: 7 });
  const g = () => second.once('other', carried);
  expect(await second.alone('suspended.6', 'other', g)).toEqual({ run: 4, before: undefined });
  // since that batch has ended, nobody waits for it
  expect(performance.now() - began).toBeLessThan(5_000);
});

test('what a dead process began is taken up at once, by one; what a living one began only after it was patient', async () => {
  runs = 0;
  await (await batch()).once('first', carried);
  const kv = await new Kvm(broker.jetstream).open(broker.names.orders);
  const begun = (order: string, value: object): Promise<number> =>
    kv.put(order, JSON.stringify(value));
  await begun('h', { by: gone(), batch: 'batch.gone', begun: { from: 9 } });
  const [one, other] = [await batch(60_000), await batch(60_000)];
  const ended = async (by: typeof one) => {
    const answer = await by.once('h', carried);
    await by.end();
    return answer;
  };
  const answers = await Promise.all([ended(one), ended(other)]);
  expect(answers.map(({ run }) => run)).toEqual([2, 2]);

  await begun('i', { by: processIdentity(), batch: 'batch.lives', begun: { from: 9 } });
  const before = performance.now();
  expect(await (await batch()).once('i', carried)).toEqual({ run: 3, before: 9 });
  expect(performance.now() - before).toBeGreaterThan(250);

  // of an older version, which did not say what to look for
  await begun('j', { by: gone() });
  const late = await batch();
  await expect(late.once('j', carried)).rejects.toMatchObject({ code: 'ORDER_UNCERTAIN' });
  await expect(late.once('j', carried)).rejects.toMatchObject({ code: 'ORDER_UNCERTAIN' });
  await begun('k', { result: { run: 99 } });
  expect(await late.once('k', carried)).toEqual({ run: 99 });
});

test('an engine that stood still finds out that its order was taken over, before it stores anything', async () => {
  runs = 0;
  const stands = Promise.withResolvers<void>();
  const stores: string[] = [];
  const asleep = await batch();
  const late = asleep.once('s', {
    ...carried,
    async run(_, hold) {
      await stands.promise;
      await hold();
      stores.push('late');
      return { run: 0 };
    },
  });
  const awake = await batch();
  const done = await awake.once('s', {
    ...carried,
    async run(before, hold) {
      await hold();
      stores.push('awake');
      return { run: ++runs, before: before?.from };
    },
  });
  expect(done).toEqual({ run: 1, before: 7 });
  stands.resolve();
  await expect(late).rejects.toMatchObject({ code: 'QUEUE_UNAVAILABLE', retryable: true });
  // what fails of the one that stood still does not undo what the other has done
  await Promise.all([asleep.end(), awake.end()]);
  expect(stores).toEqual(['awake']);
  expect(await (await batch()).once('s', carried)).toMatchObject({ run: 1 });

  // whoever is slow but not taken over keeps it, and those who wait see that it lives
  const slow = await batch(600);
  const working = slow.once('t', {
    ...carried,
    async run(_, hold) {
      const until = performance.now() + 1_200;
      while (performance.now() < until) {
        await hold();
        await setTimeout(50);
      }
      return { run: ++runs, before: undefined };
    },
  });
  const waiting = (await batch(600)).once('t', carried);
  expect(await working).toMatchObject({ run: 2 });
  await slow.end();
  expect(await waiting).toEqual({ run: 2 });
});
