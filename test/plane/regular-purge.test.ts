import { expect, test, vi } from 'vitest';
import { connectBroker } from '../../src/broker/broker.ts';
import { state } from '../../src/broker/state.ts';
import { silentLogger } from '../../src/log/logger.ts';
import { purgeRegularly } from '../../src/plane/regular-purge.ts';
import { sqliteTraceStore } from '../../src/trace/store/sqlite/trace-store.ts';
import { startNats } from '../support/nats.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { NOON, sampleSession } from '../support/trace-sample.ts';

test('a plane that is started again and again purges once the clock was seen to go right for an hour', async () => {
  await using nats = await startNats();
  await using folder = await temporaryFolder('regular-purge');
  await using broker = await connectBroker({
    url: nats.url,
    user: nats.user,
    password: nats.password,
    production: 'regular-purge',
    role: 'test',
  });
  const { kv } = await state(broker);
  await using store = sqliteTraceStore({ folder: folder.path });
  await store.apply(sampleSession({ at: NOON }).all);
  const start = async (until: () => unknown): Promise<void> => {
    const stop = new AbortController();
    const purging = purgeRegularly(
      {
        purge: () => store.purge({ now: Date.now(), keep: 1_000 }),
        store,
        kv,
        log: silentLogger,
        look: 10,
      },
      stop.signal,
    );
    try {
      await vi.waitFor(until, 5_000);
    } finally {
      stop.abort();
      await purging;
    }
  };
  const left = async (): Promise<number> => (await store.usage()).days.length;
  const seen = async () => (await kv.get('trace.clock'))?.json<{ at: number; wait: number }>();
  // nobody knows this clock: it is looked at, and nothing is removed
  await start(async () => expect((await seen())?.wait).toBeLessThan(3_600_000));
  expect(await left()).toBe(1);
  // 59 minutes later, and then another one
  await kv.put('trace.clock', JSON.stringify({ at: Date.now(), wait: 60_000 }));
  await start(async () => expect((await seen())?.wait).toBeLessThan(60_000));
  expect(await left()).toBe(1);
  await kv.put('trace.clock', JSON.stringify({ at: Date.now() - 61_000, wait: 60_000 }));
  await start(async () => expect(await left()).toBe(0));
});
