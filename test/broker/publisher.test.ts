import { afterEach, expect, test, vi } from 'vitest';
import { connectBroker } from '../../src/broker/broker.ts';
import { startNats } from '../support/nats.ts';

async function setBack(): Promise<void> {
  await Promise.resolve();
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_600_000 });
}

afterEach(() => {
  vi.useRealTimers();
});

test('what NATS does not acknowledge is given up in time, also where the clock is set back meanwhile', async () => {
  await using nats = await startNats();
  const broker = await connectBroker({ ...nats, production: 'publisher', role: 'test' });
  process.kill(nats.pid ?? 0, 'SIGSTOP');
  try {
    const [given] = await Promise.all([
      Promise.allSettled([broker.publisher.publish('wb.x', new Uint8Array(1))]),
      setBack(),
    ]);
    expect(given).toMatchObject([{ status: 'rejected', reason: { code: 'QUEUE_UNAVAILABLE' } }]);
  } finally {
    process.kill(nats.pid ?? 0, 'SIGCONT');
  }
  await broker.close();
}, 20_000);
