import { Kvm } from '@nats-io/kv';
import { expect, test } from 'vitest';
import { connectBroker } from '../../src/broker/broker.ts';
import { uncertain } from '../../src/broker/order-entry.ts';
import { type Begun, orders } from '../../src/broker/orders.ts';
import { processIdentity } from '../../src/broker/process-identity.ts';
import { gone } from '../support/gone.ts';
import { startNats } from '../support/nats.ts';

const dies = async (): Promise<never> => {
  throw uncertain();
};
const failing = async (): Promise<never> => {
  throw new Error('the disk is full');
};

test('an order is done once over all engines; one that failed may be given again, one without an end says so', async () => {
  await using nats = await startNats();
  await using broker = await connectBroker({ ...nats, production: 'orders', role: 'test' });
  // less than the clocks may be apart: nothing can be decided afterwards
  const short = { duplicateWindow: 1_000, patience: 300 };
  const [one, other] = [orders(broker, short), orders(broker, short)];
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

test('what a dead process began is run again at once, by one, which knows it; until it cannot be decided any more', async () => {
  await using nats = await startNats();
  await using broker = await connectBroker({ ...nats, production: 'orders', role: 'test' });
  const long = { duplicateWindow: 600_000, patience: 60_000 };
  const [one, other] = [orders(broker, long), orders(broker, long)];
  await one.once('first', async () => 1);
  const kv = await new Kvm(broker.jetstream).open(broker.names.orders);
  const begun = (order: string, value: object): Promise<number> =>
    kv.put(order, JSON.stringify(value));
  const runs: (string | undefined)[] = [];
  const run = async (before: Begun | undefined): Promise<number> =>
    runs.push(before && (before.note ?? 'nothing noted'));

  await begun('a', { by: gone(), note: 'as it was' });
  expect(await Promise.all([one.once('a', run), other.once('a', run)])).toEqual([1, 1]);
  expect(runs).toEqual(['as it was']);

  // one that may live is waited for, one that was begun by an older version too
  const patient = orders(broker, { ...long, patience: 300 });
  for (const value of [{ by: processIdentity() }, {}]) {
    await begun('b', value);
    const before = performance.now();
    expect(await patient.once('b', run)).toBe(runs.length);
    expect(performance.now() - before).toBeGreaterThan(250);
  }

  // taken up twice, it is still as old as the first time
  await begun('c', { by: gone(), since: Date.now() - 5 * 60_000 });
  await expect(one.once('c', run)).rejects.toMatchObject({ code: 'ORDER_UNCERTAIN' });
  await begun('d', { by: gone(), note: 'of d' });
  await expect(one.once('d', dies)).rejects.toMatchObject({ code: 'ORDER_UNCERTAIN' });
  expect((await kv.get('d'))?.json()).toMatchObject({ since: expect.any(Number), note: 'of d' });
  expect(runs).toEqual(['as it was', 'nothing noted', 'nothing noted']);

  await begun('e', { by: gone() });
  expect(await one.alone('e', async () => 'done')).toBe('done');
  await begun('e', { by: processIdentity() });
  expect(await one.alone('e', async () => 'done')).toBeUndefined();
});
