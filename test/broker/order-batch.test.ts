import { expect, test } from 'vitest';
import { connectBroker } from '../../src/broker/broker.ts';
import { orders } from '../../src/broker/orders.ts';
import { EngineError } from '../../src/error/engine-error.ts';
import { startNats } from '../support/nats.ts';

test('an order of a batch is done once over all engines; what a batch left open is told to the next', async () => {
  await using nats = await startNats();
  await using broker = await connectBroker({ ...nats, production: 'batches', role: 'test' });
  const [one, other] = [
    orders(broker, { duplicateWindow: 600_000, patience: 300 }),
    orders(broker, { duplicateWindow: 600_000, patience: 300 }),
  ];
  let runs = 0;
  const carried = {
    begin: async () => ({ from: 7 }),
    run: async (before: { from: number } | undefined) => ({ run: ++runs, before: before?.from }),
  };
  const first = await one.batch();
  expect(await first.once('a', carried)).toEqual({ run: 1, before: undefined });
  const b = () => first.once('b', carried);
  expect(await first.alone('suspended.5', 'b', b)).toEqual({ run: 2, before: undefined });
  // somebody else acts on that message, singly or in another batch
  const second = await other.batch();
  expect(await second.alone('suspended.5', 'c', b)).toBeUndefined();
  expect(await other.alone('suspended.5', async () => 'done')).toBeUndefined();
  await first.end();
  expect(await second.once('a', carried)).toEqual({ run: 1 });
  expect(await second.alone('suspended.5', 'b', () => second.once('b', carried))).toEqual({
    run: 2,
  });
  expect(runs).toBe(2);

  // a batch that is killed never ends
  const killed = await one.batch();
  expect(await killed.once('d', carried)).toMatchObject({ run: 3 });
  const third = await other.batch();
  expect(await third.once('d', carried)).toEqual({ run: 4, before: 7 });

  // what failed for good is new again; what may be stored is told
  const failing = (retryable: boolean) => ({
    ...carried,
    run: async (): Promise<never> => {
      throw new EngineError('QUEUE_UNAVAILABLE', 'no', { retryable });
    },
  });
  await expect(third.once('e', failing(false))).rejects.toThrow('no');
  await expect(third.once('f', failing(true))).rejects.toThrow('no');
  await third.end();
  const fourth = await one.batch();
  const began = performance.now();
  expect(await fourth.once('e', carried)).toEqual({ run: 5, before: undefined });
  expect(await fourth.once('f', carried)).toEqual({ run: 6, before: 7 });
  // since that batch has ended, nobody waits for it
  expect(performance.now() - began).toBeLessThan(300);

  // given singly before, by an older version, without an end
  const never = Promise.withResolvers<never>();
  const lost = one.once('g', () => never.promise);
  await expect(fourth.once('g', carried)).rejects.toMatchObject({ code: 'ORDER_UNCERTAIN' });
  never.reject(new Error('killed'));
  await expect(lost).rejects.toThrow('killed');
});
