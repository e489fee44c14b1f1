import { expect, test, vi } from 'vitest';
import { connectBroker } from '../../src/broker/broker.ts';
import { definition, operationDefinition, serviceDefinition } from '../support/definition.ts';
import { testInbound, testOutbound } from '../support/loopback-adapter.ts';
import { startNats } from '../support/nats.ts';
import { run } from '../support/running.ts';

const of = (size: number) => ({ body: Buffer.alloc(size, 'x'), type: 'text/plain' });

test('what would be copied into very many queues is stored once, and reaches each target', async () => {
  await using nats = await startNats();
  const from = testInbound();
  const names = Array.from({ length: 20 }, (_, at) => `out-${at}`);
  const to = testOutbound();
  const made = definition({
    services: [serviceDefinition('in', from, { to: names })],
    operations: names.map((name) => operationDefinition(name, to)),
  });
  const { settings, name: production } = made;
  await using _ = await run(nats, { ...made, settings: { ...settings, inlineLimit: 1_000 } });
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
});
