import { readFile, writeFile } from 'node:fs/promises';
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
  const took: number[] = [];
  for (let n = 1; n <= 4; n++) {
    const { pid } = JSON.parse(await readFile(join(data, 'nats.json'), 'utf8')) as { pid: number };
    process.kill(pid, 'SIGKILL');
    took.push(await acknowledged(`M${n}`));
    await sleep(500);
  }
  // 0.15 s on a quiet machine; a wait that ends with a time-out takes one or three seconds each time
  const [, second = Number.POSITIVE_INFINITY] = took.toSorted((a, b) => a - b);
  expect(second).toBeLessThan(900);
});
