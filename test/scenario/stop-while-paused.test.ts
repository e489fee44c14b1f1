import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { startEngineProcess } from '../support/engine-process.ts';
import { admission, mllpReceiver, sendUntilAcknowledged } from '../support/mllp-peers.ts';

const IDS = Array.from({ length: 40 }, (_, n) => `P${n}`);
const LIMIT = 2_000;

test('a stop is over a second after its limit while nats-server stands still, and nothing that was acknowledged is lost', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-paused-'));
  await using lab = await mllpReceiver(() => ({ code: 'AA', after: 100 }));
  const port = await freePort();
  await writeFile(
    join(folder, 'production.yaml'),
    `production: paused
settings: { shutdownTimeout: ${LIMIT / 1_000}s }
services:
  in: { adapter: mllp-in, settings: { listen: "127.0.0.1:${port}" }, to: [lab, slow] }
operations:
  lab: { adapter: mllp-out, settings: { connect: "127.0.0.1:${lab.port}" } }
  slow: { adapter: mllp-out, settings: { connect: "127.0.0.1:${lab.port}" }, pool: 4, order: none }
`,
  );
  const start = () =>
    startEngineProcess({
      production: folder,
      data: join(folder, 'data'),
      ports: [port],
      arguments: ['--durability', 'process-crash'],
    });
  const arrived = () => lab.received.map(({ controlId }) => controlId);
  try {
    const engine = await start();
    await sendUntilAcknowledged(port, IDS.map(admission), () => undefined);
    await vi.waitFor(() => expect(lab.received.length).toBeGreaterThan(8));
    process.kill(await engine.natsPid(), 'SIGSTOP');
    // what it sends now cannot be settled
    await sleep(500);
    const before = performance.now();
    await engine.stop();
    expect(performance.now() - before).toBeLessThan(LIMIT + 1_000 + SLACK);
    expect(engine.output()).toContain('stop-cut-short');
    expect(arrived().length).toBeLessThan(2 * IDS.length);

    await using again = await start();
    expect(again.ended).toBe(false);
    const twice = (id: string): boolean => arrived().filter((one) => one === id).length >= 2;
    await vi.waitFor(() => expect(IDS.filter((id) => !twice(id))).toEqual([]), 20_000);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

/** Of a busy machine, milliseconds. */
const SLACK = 700;
