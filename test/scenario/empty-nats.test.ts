import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { connectBroker } from '../../src/broker/broker.ts';
import { remoteTrace } from '../../src/control/remote-trace.ts';
import { startEngineProcess } from '../support/engine-process.ts';
import { mllpReceiver, sendUntilAcknowledged } from '../support/mllp-peers.ts';
import { startNats } from '../support/nats.ts';

const messages = (from: number): string[] =>
  Array.from(
    { length: 20 },
    (_, n) =>
      `MSH|^~\\&|S|A|R|B|20260101||ADT^A01^ADT_A01|E${from + n}|P|2.5.1\rPID|1||P1^^^H^MR\r`,
  );

test('NATS that comes back with an empty disk, or loses a stream, is told of, and messages go on', async () => {
  await using receiver = await mllpReceiver();
  await using nats = await startNats();
  const folder = nats.data;
  await writeFile(
    join(folder, 'production.yaml'),
    `production: emptied
settings: { search: { id: MSH-10 } }
services:
  in: { adapter: mllp-in, settings: { listen: "127.0.0.1:\${env:PORT}" }, to: [out] }
operations:
  out: { adapter: mllp-out, settings: { connect: "127.0.0.1:${receiver.port}" } }
`,
  );
  const port = await freePort();
  await using engine = await startEngineProcess({
    production: folder,
    data: join(folder, 'data'),
    ports: [port],
    plane: true,
    environment: { PORT: String(port) },
    arguments: ['--nats', `nats://${nats.user}:${nats.password}@${new URL(nats.url).host}`],
  });
  const come = async (from: number): Promise<void> => {
    const arrived = receiver.received.length;
    await sendUntilAcknowledged(port, messages(from), () => undefined);
    await vi.waitFor(() => expect(receiver.received.length).toBe(arrived + 20), 10_000);
  };
  await come(0);
  await using broker = await connectBroker({ ...nats, production: 'emptied', role: 'test' });
  const trace = remoteTrace(broker, 'test');
  const traced = async (count: number): Promise<void> => {
    await vi.waitFor(async () => {
      const { items } = await trace.find({ limit: 200 });
      const ended = items.filter(
        ({ target, status }) => target === 'out' && status === 'completed',
      );
      expect(ended).toHaveLength(count);
    }, 20_000);
  };
  await traced(20);
  await rm(join(folder, 'jetstream'), { recursive: true });
  process.kill(nats.pid ?? 0, 'SIGKILL');
  await come(100);
  expect(engine.output()).toMatch(/messages-lost.*20 messages for out/);
  expect(engine.output()).toContain('streams-made-again');

  await traced(40);
  await broker.manager.streams.delete(broker.names.queue('out').stream);
  await come(200);
  await traced(60);
});
