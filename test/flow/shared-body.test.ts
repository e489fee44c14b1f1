import { expect, test, vi } from 'vitest';
import { connectBroker } from '../../src/broker/broker.ts';
import { reprocessOnce } from '../../src/engine/single-orders.ts';
import type { Message } from '../../src/message/message.ts';
import {
  definition,
  operationDefinition,
  processDefinition,
  serviceDefinition,
} from '../support/definition.ts';
import { testInbound, testOutbound } from '../support/loopback-adapter.ts';
import { startNats } from '../support/nats.ts';
import { run } from '../support/running.ts';

const of = (size: number, dedupeKey?: string) => ({
  body: Buffer.alloc(size, 'x'),
  type: 'text/plain',
  ...(dedupeKey !== undefined && { dedupeKey }),
});

test('what would be copied into very many queues is stored once, and reaches each target', async () => {
  await using nats = await startNats();
  const from = testInbound();
  const names = Array.from({ length: 20 }, (_, at) => `out-${at}`);
  const to = testOutbound();
  const made = definition({
    services: [serviceDefinition('in', from, { to: ['router'] })],
    processes: [
      processDefinition('router', {
        rules: [
          {
            name: 'all',
            rules: [],
            otherwise: names.map((name) => ({ to: name, transforms: [] })),
          },
        ],
      }),
    ],
    operations: names.map((name) => operationDefinition(name, to)),
  });
  const { settings, name: production } = made;
  await using running = await run(nats, { ...made, settings: { ...settings, inlineLimit: 1_000 } });
  await using broker = await connectBroker({ ...nats, production, role: 'test' });
  const bodies = async (): Promise<number> =>
    (await broker.manager.streams.info(broker.names.bodies.stream)).state.messages;
  const sizes = (size: number) => to.sent.filter(({ body }) => body.size === size);
  // 16,000 bytes in all queues together are copied
  await vi.waitFor(() => from.deliver(of(800)));
  await vi.waitFor(() => expect(sizes(800)).toHaveLength(20));
  expect(await bodies()).toBe(0);
  await from.deliver(of(801));
  await vi.waitFor(() => expect(sizes(801)).toHaveLength(20));
  expect(await bodies()).toBe(1);
  for (const { body } of sizes(801)) expect(await body.bytes()).toEqual(of(801).body);
  // what goes again to one of them has its body too, whichever of them that is
  for (const target of ['out-0', 'out-7', 'out-19']) {
    const [{ body: _, parentId: id = 0, ...message }] = sizes(801) as [Message];
    const original = { ...message, id, parentId: undefined, source: 'in', target: 'router' };
    const order = { original, targets: [target], replaces: [], by: 'test', reason: 'again' };
    const before = sizes(801).length;
    await reprocessOnce(running, order, of(801).body);
    await vi.waitFor(() => expect(sizes(801)).toHaveLength(before + 1));
    expect(await sizes(801).at(-1)?.body.bytes()).toEqual(of(801).body);
  }
});

test('it stays for the targets that have it, however often another one refuses the message', async () => {
  await using nats = await startNats();
  const from = testInbound();
  const names = Array.from({ length: 20 }, (_, at) => `out-${at}`);
  const to = testOutbound();
  const stuck = testOutbound((_, signal) => {
    const stopped = Promise.withResolvers<undefined>();
    signal.addEventListener('abort', () => stopped.reject(new Error('stopped')), { once: true });
    return stopped.promise;
  });
  const made = definition({
    services: [serviceDefinition('in', from, { to: [...names, 'full'] })],
    operations: [
      ...names.map((name) => operationDefinition(name, to)),
      operationDefinition('full', stuck, { timeout: 60_000 }),
    ],
  });
  const settings = { ...made.settings, inlineLimit: 1_000, queueLimit: 5_000 };
  await using running = await run(nats, { ...made, settings });
  await vi.waitFor(() => from.deliver(of(10)));
  const { broker } = running.engine;
  const { subject } = broker.names.queue('full');
  await expect(
    (async () => {
      for (;;) await broker.publisher.publish(subject, Buffer.alloc(300));
    })(),
  ).rejects.toMatchObject({ code: 'QUEUE_FULL' });
  for (let tries = 0; tries < 4; tries++) {
    await expect(from.deliver(of(900, 'again'))).rejects.toMatchObject({ code: 'QUEUE_FULL' });
  }
  const sent = await vi.waitFor(() => {
    const those = to.sent.filter(({ body }) => body.size === 900);
    expect(those).toHaveLength(20);
    return those;
  });
  // those of the other tries are removed
  const { stream } = broker.names.bodies;
  await vi.waitFor(async () =>
    expect((await broker.manager.streams.info(stream)).state.messages).toBe(1),
  );
  for (const { body } of sent) expect(await body.bytes()).toEqual(of(900).body);
});
