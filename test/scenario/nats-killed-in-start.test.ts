import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { readNatsState } from '../../src/broker/embedded/nats-server.ts';
import { startEngineProcess } from '../support/engine-process.ts';
import { mllpReceiver, sendUntilAcknowledged } from '../support/mllp-peers.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** Milliseconds after the server was begun. */
const MOMENTS = [50, 200, 350, 500];

const messageOf = (id: string): string =>
  `MSH|^~\\&|S|A|R|B|20260101||ADT^A01^ADT_A01|${id}|P|2.5.1\rEVN|A01|20260101\rPID|1||P1^^^H^MR\rPV1|1|I\r`;

test('an engine whose NATS dies while it starts does not end, and what it takes arrives', async () => {
  await using folder = await temporaryFolder();
  await using receiver = await mllpReceiver();
  const port = await freePort();
  const production = `
production: starting
services: { in: { adapter: mllp-in, settings: { listen: "127.0.0.1:${port}" }, to: [out] } }
operations:
  out: { adapter: mllp-out, settings: { connect: "127.0.0.1:${receiver.port}" }, retry: { every: 200ms, for: forever } }
`;
  await writeFile(join(folder.path, 'production.yaml'), production);
  const data = join(folder.path, 'data');
  const killed = async (after: number): Promise<void> => {
    const state = await vi.waitFor(
      async () => {
        const found = await readNatsState(data);
        expect(found).toBeDefined();
        return found;
      },
      { interval: 5 },
    );
    await sleep(after);
    if (state !== undefined) process.kill(state.pid, 'SIGKILL');
  };
  for (const [n, after] of MOMENTS.entries()) {
    const kill = killed(after);
    // it is awaited once the engine has started, or not at all
    kill.catch(() => undefined);
    await using engine = await startEngineProcess({
      production: folder.path,
      data,
      ports: [port],
      plane: true,
    });
    await kill;
    await sleep(200);
    await sendUntilAcknowledged(port, [messageOf(`${n}`)], () => undefined);
    await vi.waitFor(() => expect(receiver.received.at(-1)?.controlId).toBe(`${n}`), 20_000);
    expect(engine.ended, engine.output()).toBe(false);
  }
}, 300_000);
