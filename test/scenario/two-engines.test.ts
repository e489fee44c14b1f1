import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { startEngineProcess } from '../support/engine-process.ts';
import { mllpReceiver, sendUntilAcknowledged } from '../support/mllp-peers.ts';
import { startNats } from '../support/nats.ts';

const messageOf = (n: number): string =>
  `MSH|^~\\&|S|A|R|B|20260101||ADT^A01^ADT_A01|E${n}|P|2.5.1\rEVN|A01\rPID|1||P${n % 7}^^^H^MR||DOE^JOHN\rPV1|1|I\r`;

test('two engines share a production; when one is killed the other goes on, in order', async () => {
  await using nats = await startNats();
  const folder = await mkdtemp(join(tmpdir(), 'waybill-two-'));
  await using receiver = await mllpReceiver();
  const [portA, portB] = [await freePort(), await freePort()];
  await writeFile(
    join(folder, 'production.yaml'),
    `production: two
services:
  in: { adapter: mllp-in, settings: { listen: "127.0.0.1:\${env:PORT}" }, to: [out] }
operations:
  out: { adapter: mllp-out, settings: { connect: "127.0.0.1:${receiver.port}" } }
`,
  );
  const start = (port: number, name: string) =>
    startEngineProcess({
      production: folder,
      data: join(folder, name),
      ports: [port],
      environment: { PORT: String(port) },
      arguments: [
        '--nats',
        `nats://${nats.user}:${nats.password}@${new URL(nats.url).host}`,
        '--role',
        'engine',
        '--log-level',
        'error',
      ],
    });
  try {
    const first = await start(portA, 'a');
    await using _ = await start(portB, 'b');
    const numbers = Array.from({ length: 300 }, (__, n) => n);
    // the sender goes through the first engine, and through the second when it is gone
    await sendUntilAcknowledged(portA, numbers.slice(0, 150).map(messageOf), () => undefined);
    await vi.waitFor(() => expect(receiver.received.length).toBeGreaterThan(20), 20_000);
    await first.kill();
    await sendUntilAcknowledged(portB, numbers.slice(150).map(messageOf), () => undefined);
    await vi.waitFor(
      () => expect(new Set(receiver.received.map(({ controlId }) => controlId)).size).toBe(300),
      { timeout: 40_000, interval: 200 },
    );
    const order = [...new Set(receiver.received.map(({ controlId }) => controlId))];
    expect(order).toEqual(numbers.map((n) => `E${n}`));
    expect(receiver.received.length - order.length).toBeLessThanOrEqual(1);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 120_000);
