import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { commandLine } from '../support/command.ts';
import { startEngineProcess } from '../support/engine-process.ts';
import { mllpReceiver, sendUntilAcknowledged } from '../support/mllp-peers.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const messageOf = (id: string): string =>
  `MSH|^~\\&|S|A|R|B|20260101||ADT^A01^ADT_A01|${id}|P|2.5.1\rEVN|A01\rPID|1||${id}^^^H^MR\rPV1|1|I\r`;

const PRODUCTION = (service: number, receiver: number): string => `production: deadly
services:
  in: { adapter: mllp-in, settings: { listen: "127.0.0.1:${service}" }, to: [ways] }
processes:
  ways:
    rules:
      - { name: deadly, when: 'field("PID-3.1") == "BAD"', send: { to: lab, transform: deadly } }
      - { name: all, when: 'true', send: lab }
operations:
  lab: { adapter: mllp-out, settings: { connect: "127.0.0.1:${receiver}" } }
transforms: { deadly: deadly.ts }
`;

/** As the system ends a process that takes all the memory. */
const DEADLY = `export default () => { process.kill(process.pid, 'SIGKILL'); for (;;); };\n`;

test('a message in whose code the engine dies again and again is set aside, and others go on', async () => {
  await using folder = await temporaryFolder('deadly');
  await using lab = await mllpReceiver();
  const port = await freePort();
  const [production, data] = [join(folder.path, 'deadly'), join(folder.path, 'data')];
  await mkdir(production);
  await writeFile(join(production, 'production.yaml'), PRODUCTION(port, lab.port));
  await writeFile(join(production, 'deadly.ts'), DEADLY);
  const start = () =>
    startEngineProcess({
      production,
      data,
      ports: [port],
      plane: true,
      arguments: ['--durability', 'process-crash'],
    });
  let engine = await start();
  let deaths = 0;
  try {
    const sent = sendUntilAcknowledged(port, ['BAD', 'GOOD'].map(messageOf), () => undefined);
    let arrived = false;
    void sent.then(() => (arrived = true));
    while (!arrived && deaths < 6) {
      await vi.waitUntil(() => arrived || engine.ended, { timeout: 60_000 });
      if (!engine.ended) continue;
      deaths += 1;
      engine = await start();
    }
    expect(deaths).toBe(3);
    await sent;
    await vi.waitFor(() => expect(lab.received).toMatchObject([{ controlId: 'GOOD' }]), 60_000);
    expect(engine.output()).toMatch(/ended 2 times while ways worked on message \d+/);
    await vi.waitFor(
      async () => {
        const found = await commandLine('find', 'status=suspended', '--json', '--data', data);
        expect(JSON.parse(found.stdout)).toMatchObject({
          items: [{ target: 'ways', error: { code: 'PROCESS_DIED' } }],
        });
      },
      { timeout: 60_000, interval: 500 },
    );
  } finally {
    await engine.stop();
  }
  // ended in order: what they died of may be tried again, and nothing is told
  await using next = await start();
  expect(next.output()).not.toContain('engine-died');
});
