import { expect, test, vi } from 'vitest';
import { connectBroker } from '../../src/broker/broker.ts';
import { names } from '../../src/broker/names.ts';
import { productionsOf } from '../../src/broker/productions.ts';
import { forgetProduction } from '../../src/engine/forget-production.ts';
import { definition, operationDefinition, serviceDefinition } from '../support/definition.ts';
import { testInbound, testOutbound } from '../support/loopback-adapter.ts';
import { startNats } from '../support/nats.ts';
import { run } from '../support/running.ts';

test('a production is forgotten once it no longer runs and nothing waits in it, and leaves nothing', async () => {
  await using nats = await startNats();
  const from = testInbound();
  const out = operationDefinition('out', testOutbound(), { enabled: false });
  const made = definition({
    services: [serviceDefinition('in', from, { to: ['out'] })],
    operations: [out],
  });
  const { name } = made;
  await using broker = await connectBroker({ ...nats, production: name, role: 'command' });
  {
    // its name begins with that of the one that is forgotten
    await using _ = await run(nats, { ...made, name: `${name}-2` });
  }
  const all = await streamsOf(broker);
  const forget = (dryRun = false, evenWaiting = false) =>
    forgetProduction(broker, { dryRun, evenWaiting });
  await expect(forget()).rejects.toThrow(`this NATS has nothing of a production ${name};`);
  {
    await using _ = await run(nats, made);
    await vi.waitFor(() => from.deliver({ body: Buffer.from('1'), type: 'text/plain' }));
    await expect(forget(false, true)).rejects.toMatchObject({ code: 'ALREADY_RUNNING' });
    // the names of its queues begin with this
    const part = { ...broker, production: `${name}_Q`, names: names(`${name}_Q`) };
    const order = { dryRun: false, evenWaiting: true };
    await expect(forgetProduction(part, order)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  }
  await expect(forget()).rejects.toMatchObject({
    code: 'MESSAGES_WAITING',
    message: expect.stringMatching(/^1 messages? of .*--discard-waiting/),
  });
  expect(await forget(true)).toMatchObject({ queues: [{ host: 'out', depth: 1 }], suspended: 0 });
  expect(await productionsOf(broker)).toContain(name);
  await forget(false, true);
  expect(await streamsOf(broker)).toEqual(all);
  expect(await productionsOf(broker)).toEqual([`${name}-2`]);
});

async function streamsOf({
  manager,
}: Awaited<ReturnType<typeof connectBroker>>): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const stream of manager.streams.names()) found.push(stream);
  return found.toSorted((a, b) => a.localeCompare(b));
}
