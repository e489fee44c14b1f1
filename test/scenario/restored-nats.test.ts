import { cp, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { connectBroker } from '../../src/broker/broker.ts';
import { remoteTrace } from '../../src/control/remote-trace.ts';
import { type EngineProcess, startEngineProcess } from '../support/engine-process.ts';
import { type MllpReceiver, mllpReceiver, sendUntilAcknowledged } from '../support/mllp-peers.ts';
import { startNats } from '../support/nats.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { unexplained } from '../support/told-repetitions.ts';

const batch = (name: string, count: number): string[] =>
  Array.from(
    { length: count },
    (_, n) =>
      `MSH|^~\\&|S|A|R|B|20260101||ADT^A01^ADT_A01|${name}${n + 1}|P|2.5.1\rEVN|A01\rPID|1||P1^^^H^MR\r`,
  );

/** Two engines on one NATS, which can be put back to what it was. */
async function lab(scope: AsyncDisposableStack) {
  let slow = false;
  const answer = () => (slow ? ({ code: 'AA', after: 2_000 } as const) : 'AA');
  const [line, shared] = [
    scope.use(await mllpReceiver(answer)),
    scope.use(await mllpReceiver(answer)),
  ];
  const nats = scope.use(await startNats());
  const folder = scope.use(await temporaryFolder('restored'));
  await writeFile(
    join(folder.path, 'production.yaml'),
    `production: restored
settings: { search: { id: MSH-10 } }
services:
  in: { adapter: mllp-in, settings: { listen: "127.0.0.1:\${env:PORT}" }, to: [line, shared] }
operations:
  line: { adapter: mllp-out, settings: { connect: "127.0.0.1:${line.port}" } }
  shared: { adapter: mllp-out, settings: { connect: "127.0.0.1:${shared.port}" }, order: none, pool: 2 }
`,
  );
  const url = `nats://${nats.user}:${nats.password}@${new URL(nats.url).host}`;
  const kept = join(folder.path, 'yesterday');
  return {
    line,
    shared,
    nats,
    slow: (is: boolean) => void (slow = is),
    start: async (name: 'a' | 'b', port: number): Promise<EngineProcess> =>
      scope.use(
        await startEngineProcess({
          production: folder.path,
          data: join(folder.path, name),
          ports: [port],
          plane: name === 'a',
          environment: { PORT: String(port) },
          arguments: ['--nats', url, '--log-level', 'error'],
        }),
      ),
    backUp: async () => {
      process.kill(nats.pid ?? 0, 'SIGSTOP');
      await cp(join(nats.data, 'jetstream'), kept, { recursive: true });
      process.kill(nats.pid ?? 0, 'SIGCONT');
    },
    restore: async () => {
      const pid = nats.pid ?? 0;
      // it must not write into what is put in its place
      process.kill(pid, 'SIGSTOP');
      await rename(join(nats.data, 'jetstream'), join(folder.path, 'today'));
      await rename(kept, join(nats.data, 'jetstream'));
      process.kill(pid, 'SIGKILL');
    },
  };
}

const send = (name: string, count: number, port: number): Promise<void> =>
  sendUntilAcknowledged(port, batch(name, count), () => undefined);

const came = ({ received }: MllpReceiver): number =>
  new Set(received.map(({ controlId }) => controlId)).size;

test('what a NATS restored from a backup has sent again is told, also by an engine that had nothing to do with it', async ({
  onTestFailed,
}) => {
  await using scope = new AsyncDisposableStack();
  const { line, shared, nats, slow, start, backUp, restore } = await lab(scope);
  const [first, second] = [await freePort(), await freePort()];
  const a = await start('a', first);
  const b = await start('b', second);
  onTestFailed(() => void process.stderr.write(`${a.output()}\n---\n${b.output()}\n`));
  const has = (count: number): Promise<void> =>
    vi.waitFor(() => expect([line, shared].map(came)).toEqual([count, count]), 30_000);
  await send('A', 2, first);
  await has(2);
  slow(true);
  await send('B', 24, first);
  await backUp();
  expect(came(line)).toBeLessThan(20);
  slow(false);
  await has(26);
  await send('C', 3, first);
  await has(29);
  // until the other one has noted how far the state reaches
  await sleep(7_000);
  await a.kill();
  await restore();
  await vi.waitFor(() => expect(line.received.length).toBeGreaterThan(29 + 5), 30_000);
  await start('a', first);
  await send('D', 3, second);
  await has(32);
  await using broker = await connectBroker({ ...nats, production: 'restored', role: 'test' });
  const trace = remoteTrace(broker, 'test');
  await vi.waitFor(
    async () => {
      const { items } = await trace.find({ search: { id: 'D3' }, limit: 5 });
      expect(items.filter(({ status }) => status === 'completed')).toHaveLength(2);
      expect(await unexplained(line.received, trace, 'line')).toEqual([]);
      expect(await unexplained(shared.received, trace, 'shared')).toEqual([]);
    },
    { timeout: 40_000, interval: 500 },
  );
  expect(b.output()).toMatch(/"event":"messages-lost".*KV_WB_restored_STATE/);
}, 300_000);
