import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { connectBroker } from '../../src/broker/broker.ts';
import { startNats } from '../support/nats.ts';
import { tcpGate } from '../support/tcp-gate.ts';

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
});

test('what NATS acknowledged while this thread stood still is read before it is given up, and not written again', async () => {
  await using nats = await startNats();
  await using broker = await connectBroker({ ...nats, production: 'stood', role: 'test' });
  await broker.manager.streams.add({ name: 'STOOD', subjects: ['stood'] });
  const { pid = 0 } = nats;
  vi.useFakeTimers({ toFake: ['performance'] });
  process.kill(pid, 'SIGSTOP');
  try {
    const stored = broker.publisher.publish('stood', new Uint8Array(1), { msgID: 'one' });
    // all of it is over when the next timer is due
    vi.advanceTimersByTime(8_000);
    await Promise.race([stored, sleep(700)]);
    process.kill(pid, 'SIGCONT');
    expect(await stored).toMatchObject({ sequence: 1, duplicate: false });
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await expect(broker.publisher.publish('stood', new Uint8Array(5_000_000))).rejects.toThrow(
    /it is larger than NATS takes \(max_payload 4 MB\)/,
  );
});

test('what is published in the very turn in which the connection is back is written once, and the next ones as well', async () => {
  await using nats = await startNats();
  await using broker = await connectBroker({ ...nats, production: 'back', role: 'test' });
  await broker.manager.streams.add({ name: 'BACK', subjects: ['back'] });
  const out = broker.publisher;
  out.disconnected();
  const all = Array.from({ length: 600 }, () => out.publish('back', new Uint8Array(1)));
  out.reconnected();
  expect(new Set((await Promise.all(all)).map(({ sequence }) => sequence)).size).toBe(600);
  expect(await out.publish('back', new Uint8Array(1))).toMatchObject({ sequence: 601 });
});

const MANY = [
  { how: 'to one subject', many: 6_000, bytes: 200, subjects: 1 },
  { how: 'to a subject each', many: 60, bytes: 25_000, subjects: 60 },
];

test.for(MANY)(
  'many at once $how are waited for as long as NATS takes one after another',
  async ({ many, bytes, subjects }) => {
    await using nats = await startNats();
    await using gate = await tcpGate(Number(new URL(nats.url).port));
    const url = `nats://127.0.0.1:${gate.port}`;
    await using broker = await connectBroker({ ...nats, url, production: 'many', role: 'test' });
    await broker.manager.streams.add({ name: 'MANY', subjects: ['many.*'] });
    gate.slow(250_000);
    const body = new Uint8Array(bytes);
    const began = performance.now();
    const stored = await Promise.all(
      Array.from({ length: many }, (_, at) =>
        broker.publisher.publish(`many.${at % subjects}`, body, { msgID: `part-${at}` }),
      ),
    );
    expect(performance.now() - began).toBeGreaterThan(5_500);
    expect(stored.map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: many }, (_, at) => at + 1),
    );
    expect(stored.some(({ duplicate }) => duplicate)).toBe(false);
  },
);
