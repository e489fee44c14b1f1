import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { connectBroker } from '../../src/broker/broker.ts';
import { remoteTrace } from '../../src/control/remote-trace.ts';
import { startEngineProcess } from '../support/engine-process.ts';
import { type MllpReceiver, mllpReceiver, sendUntilAcknowledged } from '../support/mllp-peers.ts';
import { startNats } from '../support/nats.ts';
import { unexplained } from '../support/told-repetitions.ts';

const messageOf = (n: number): string =>
  `MSH|^~\\&|S|A|R|B|20260101||ADT^A01^ADT_A01|E${n}|P|2.5.1\rEVN|A01\rPID|1||P${n % 7}^^^H^MR||DOE^JOHN\rPV1|1|I\r`;

/** Two engines of one production on one NATS, each with a port of its own, and their receiver. */
async function twoEngines(
  receiver: MllpReceiver,
  { order = 'fifo', plane = false }: { readonly order?: string; readonly plane?: boolean } = {},
) {
  const nats = await startNats();
  const folder = await mkdtemp(join(tmpdir(), 'waybill-two-'));
  await writeFile(
    join(folder, 'production.yaml'),
    `production: two
settings: { search: { id: MSH-10 } }
services:
  in: { adapter: mllp-in, settings: { listen: "127.0.0.1:\${env:PORT}" }, to: [out] }
operations:
  out: { adapter: mllp-out, settings: { connect: "127.0.0.1:${receiver.port}" }, order: ${order} }
`,
  );
  const start = async (name: string) => {
    const port = await freePort();
    const engine = await startEngineProcess({
      production: folder,
      data: join(folder, name),
      ports: [port],
      plane: name === 'a' && plane,
      environment: { PORT: String(port) },
      arguments: [
        '--nats',
        `nats://${nats.user}:${nats.password}@${new URL(nats.url).host}`,
        '--log-level',
        'error',
      ],
    });
    return { engine, port };
  };
  const first = await start('a');
  // it has the line's lease once something came through
  await sendUntilAcknowledged(first.port, [messageOf(0)], () => undefined);
  await vi.waitFor(() => expect(receiver.received).toHaveLength(1), 20_000);
  receiver.received.length = 0;
  return {
    nats,
    first,
    second: await start('b'),
    async [Symbol.asyncDispose]() {
      await Promise.all([first.engine.kill(), this.second.engine.kill()]);
      await nats.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const distinct = (receiver: { readonly received: readonly { controlId: string }[] }): string[] => [
  ...new Set(receiver.received.map(({ controlId }) => controlId)),
];

test('two engines share a production; when one is killed the other goes on, in order', async () => {
  await using receiver = await mllpReceiver();
  await using engines = await twoEngines(receiver);
  const { first, second } = engines;
  const numbers = Array.from({ length: 300 }, (__, n) => n + 1);
  // the sender goes through the first engine, and through the second when it is gone
  await sendUntilAcknowledged(first.port, numbers.slice(0, 150).map(messageOf), () => undefined);
  await vi.waitFor(() => expect(receiver.received.length).toBeGreaterThan(20), 20_000);
  await first.engine.kill();
  await sendUntilAcknowledged(second.port, numbers.slice(150).map(messageOf), () => undefined);
  await vi.waitFor(() => expect(distinct(receiver)).toHaveLength(300), {
    timeout: 40_000,
    interval: 200,
  });
  expect(distinct(receiver)).toEqual(numbers.map((n) => `E${n}`));
  expect(receiver.received.length - 300).toBeLessThanOrEqual(2);
});

test('an engine that stands still, loses its line and comes back sends nothing of it again', async () => {
  // it stands still while it waits for an answer, which comes meanwhile, and others wait behind it
  let stop: (() => void) | undefined;
  await using receiver = await mllpReceiver((_, index) => {
    if (stop === undefined || index < 100) return 'AA';
    setTimeout(stop, 100);
    stop = undefined;
    return { code: 'AA', after: 300 };
  });
  await using engines = await twoEngines(receiver);
  const { first, second } = engines;
  let sending = true;
  function* messages(from: number): Generator<string> {
    for (let n = from; sending; n++) yield messageOf(n + 1);
  }
  let accepted = 0;
  const senders = Array.from({ length: 4 }, (_, one) =>
    sendUntilAcknowledged(first.port, messages(one * 100_000), () => (accepted += 1)),
  );
  stop = () => process.kill(first.engine.pid, 'SIGSTOP');
  await vi.waitFor(() => expect(stop).toBeUndefined(), 20_000);
  await sleep(500);
  const from = receiver.received.at(-1)?.from;
  // until the second has the lease, and sends what waited
  await vi.waitFor(() => expect(receiver.received.at(-1)?.from).not.toBe(from), 30_000);
  await sendUntilAcknowledged(second.port, [messageOf(900_000)], () => (accepted += 1));
  const taken = receiver.received.length;
  process.kill(first.engine.pid, 'SIGCONT');
  await vi.waitFor(() => expect(accepted).toBeGreaterThan(taken + 200), 20_000);
  sending = false;
  await Promise.all(senders);
  await vi.waitFor(() => expect(distinct(receiver).length).toBeGreaterThanOrEqual(accepted), {
    timeout: 40_000,
    interval: 200,
  });
  for (let one = 0; one < 4; one++) {
    const its = distinct(receiver)
      .map((id) => Number(id.slice(1)))
      .filter((n) => n >= one * 100_000 && n < (one + 1) * 100_000);
    expect(its).toEqual(its.map((_, n) => one * 100_000 + n + 1));
  }
  // not even the next one, which an answer that had come meanwhile would let go
  expect(receiver.received.slice(taken).filter((one) => one.from === from)).toEqual([]);
  // the one in flight, and the one whose outcome was being stored
  expect(receiver.received.length - distinct(receiver).length).toBeLessThanOrEqual(2);
});

test('what two engines send side by side is not repeated in silence when NATS is killed', async () => {
  await using receiver = await mllpReceiver(() => ({ code: 'AA', after: 100 }));
  await using engines = await twoEngines(receiver, {
    order: '{ by-key: field("PID-3.1"), partitions: 3 }',
    plane: true,
  });
  const { nats, first, second } = engines;
  let sending = true;
  // as fast as the receiver
  async function* messages(from: number): AsyncGenerator<string> {
    for (let n = from; sending; n++) {
      yield messageOf(n);
      await sleep(80);
    }
  }
  let accepted = 0;
  const senders = [first, second].map(({ port }, one) =>
    sendUntilAcknowledged(port, messages(one * 100_000 + 1), () => (accepted += 1)),
  );
  for (let kills = 0; kills <= 4; kills++) {
    if (kills > 0 && nats.pid !== undefined) process.kill(nats.pid, 'SIGKILL');
    const before = receiver.received.length;
    await vi.waitFor(() => expect(receiver.received.length).toBeGreaterThan(before + 8), 20_000);
  }
  sending = false;
  await Promise.all(senders);
  await vi.waitFor(() => expect(distinct(receiver)).toHaveLength(accepted), {
    timeout: 60_000,
    interval: 200,
  });
  await using broker = await connectBroker({ ...nats, production: 'two', role: 'test' });
  const trace = remoteTrace(broker, 'test');
  await vi.waitFor(
    async () => {
      const { items } = await trace.find({ status: ['queued', 'retrying'], limit: 5 });
      expect(items.filter(({ target }) => target === 'out')).toEqual([]);
    },
    { timeout: 30_000, interval: 300 },
  );
  expect(await unexplained(receiver.received, trace, 'out')).toEqual([]);
});
