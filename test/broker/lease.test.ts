import { spawnSync } from 'node:child_process';
import { hostname } from 'node:os';
import { expect, test, vi } from 'vitest';
import { connectBroker } from '../../src/broker/broker.ts';
import { leases } from '../../src/broker/lease.ts';
import { state } from '../../src/broker/state.ts';
import { startNats } from '../support/nats.ts';

test('a lease has one holder; it is free again when it is released', async () => {
  await using nats = await startNats();
  await using broker = await connectBroker({ ...nats, production: 'lease', role: 'test' });
  const { kv } = await state(broker);
  const [a, b] = [leases(kv, 'a'), leases(kv, 'b')];
  const held = await a.take('poll.x');
  expect(held).toBeDefined();
  // the other holder is this very process, which the machine's own check takes for dead: say that it lives elsewhere
  const entry = await kv.get('lease.poll.x');
  await kv.put('lease.poll.x', JSON.stringify({ ...entry?.json<object>(), machine: 'elsewhere' }));
  expect(await b.take('poll.x')).toBeUndefined();
  expect(await b.heldByOthers('poll')).toEqual(['poll.x']);
  await held?.release();
  const taken = await vi.waitFor(async () => {
    const lease = await b.take('poll.x');
    expect(lease).toBeDefined();
    return lease;
  });
  await taken?.release();
});

test('a lease of a process of this machine that was killed is free at once', async () => {
  await using nats = await startNats();
  await using broker = await connectBroker({ ...nats, production: 'lease', role: 'test' });
  const { kv } = await state(broker);
  const dead = spawnSync('true').pid;
  await kv.put(
    'lease.engine.0',
    JSON.stringify({ holder: 'gone', until: Date.now() + 60_000, machine: hostname(), pid: dead }),
  );
  const lease = await leases(kv, 'me').take('engine.0');
  expect(lease).toBeDefined();
  await lease?.release();
});
