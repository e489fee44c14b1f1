import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { runProduction } from '../../src/cli/run-production.ts';
import { rootLogger } from '../../src/log/logger.ts';
import { mllpReceiver, sendUntilAcknowledged } from '../support/mllp-peers.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const message = (id: string): string =>
  `MSH|^~\\&|S|A|R|B|20260101||ADT^A01^ADT_A01|${id}|P|2.5.1\rEVN|A01\rPID|1||7^^^H^MR||DOE^J\rPV1|1|I\r`;

test('after a kill of nats-server the next message is acknowledged as soon as it is back', async () => {
  await using folder = await temporaryFolder('soon');
  await using receiver = await mllpReceiver();
  const port = await freePort();
  const data = join(folder.path, 'data');
  await writeFile(
    join(folder.path, 'production.yaml'),
    `production: soon
services: { in: { adapter: mllp-in, settings: { listen: "127.0.0.1:${port}" }, to: [out] } }
operations: { out: { adapter: mllp-out, settings: { connect: "127.0.0.1:${receiver.port}" } } }
`,
  );
  await using _ = await runProduction({
    folder: folder.path,
    data,
    durability: 'process-crash',
    log: rootLogger('error', { write: () => undefined }),
  });
  const acknowledged = async (id: string): Promise<number> => {
    const began = performance.now();
    await sendUntilAcknowledged(port, [message(id)], () => undefined);
    return performance.now() - began;
  };
  await acknowledged('M0');
  const late: string[] = [];
  for (let n = 1; n - late.length <= 2; n++) {
    const { pid, url } = JSON.parse(await readFile(join(data, 'nats.json'), 'utf8')) as State;
    process.kill(pid, 'SIGKILL');
    const [back, took] = await Promise.all([greetedBy(url), acknowledged(`M${n}`)]);
    // 0.15 s on a quiet machine; a wait that ends with a time-out takes one or three seconds each time
    if (took > 2 * back + 900) late.push(`${Math.round(took)} ms, NATS ${Math.round(back)} ms`);
    expect(late.length, late.join('; ')).toBeLessThan(8);
    await sleep(500);
  }
});

interface State {
  readonly pid: number;
  readonly url: string;
}

/** Milliseconds until a nats-server greets. */
async function greetedBy(url: string): Promise<number> {
  const began = performance.now();
  for (;;) {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    const isThere = await new Promise<boolean>((resolve) => {
      socket.once('data', () => resolve(true));
      for (const end of ['error', 'close']) socket.once(end, () => resolve(false));
    });
    socket.destroy();
    if (isThere) return performance.now() - began;
    await sleep(10);
  }
}
