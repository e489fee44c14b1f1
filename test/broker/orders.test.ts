import { expect, test } from 'vitest';
import { connectBroker } from '../../src/broker/broker.ts';
import { orders } from '../../src/broker/orders.ts';
import { startNats } from '../support/nats.ts';

const failing = async (): Promise<never> => {
  throw new Error('the disk is full');
};

test('an order is done once over all engines; one that failed may be given again, one without an end says so', async () => {
  await using nats = await startNats();
  await using broker = await connectBroker({ ...nats, production: 'orders', role: 'test' });
  const [one, other] = [orders(broker, 300), orders(broker, 300)];
  let runs = 0;
  const run = async (): Promise<{ id: number }> => ({ id: ++runs });
  await expect(one.once('a', failing)).rejects.toThrow('the disk is full');
  const answers = await Promise.all([one.once('a', run), other.once('a', run), one.once('a', run)]);
  expect(answers).toEqual([{ id: 1 }, { id: 1 }, { id: 1 }]);
  expect(await other.once('b', run)).toEqual({ id: 2 });

  const never = Promise.withResolvers<never>();
  const lost = one.once('c', () => never.promise);
  await expect(other.once('c', run)).rejects.toMatchObject({ code: 'ORDER_UNCERTAIN' });
  never.reject(new Error('killed'));
  await expect(lost).rejects.toThrow('killed');
  expect(runs).toBe(2);

  const busy = Promise.withResolvers<string>();
  const alone = one.alone('d', () => busy.promise);
  await expect.poll(() => other.alone('d', run)).toBeUndefined();
  busy.resolve('done');
  expect(await alone).toBe('done');
  expect(await other.alone('d', run)).toEqual({ id: 3 });
});
