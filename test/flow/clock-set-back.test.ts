import { afterEach, expect, test, vi } from 'vitest';
import { definition, operationDefinition, serviceDefinition } from '../support/definition.ts';
import { testInbound, testOutbound } from '../support/loopback-adapter.ts';
import { startNats } from '../support/nats.ts';
import { run } from '../support/running.ts';

const texts = (day: string): string[] => Array.from({ length: 100 }, (_, n) => `${day} ${n}`);

afterEach(() => {
  vi.useRealTimers();
});

test('messages that come after the clock was set back are sent, not taken for those of that time', async () => {
  await using nats = await startNats();
  const at = Date.now();
  const to = testOutbound();
  const comeAt = async (day: string): Promise<void> => {
    // the clock stands still, so that each start makes the ids of the one before
    vi.useFakeTimers({ toFake: ['Date'], now: at });
    const from = testInbound();
    await using _ = await run(
      nats,
      definition({
        services: [serviceDefinition('in', from, { to: ['out'] })],
        operations: [operationDefinition('out', to)],
      }),
    );
    const deliver = (text: string) =>
      vi.waitFor(() => from.deliver({ body: Buffer.from(text), type: 'text/plain' }));
    await Promise.all(texts(day).map(deliver));
    await vi.waitFor(() => {
      const arrived = to.sent.map(({ body }) => Buffer.from(body.inline ?? []).toString());
      expect(new Set(arrived.filter((text) => text.startsWith(day)))).toEqual(new Set(texts(day)));
    }, 5_000);
  };
  await comeAt('first');
  await comeAt('second');
  expect(new Set(to.sent.map(({ id }) => id)).size).toBe(200);
});
