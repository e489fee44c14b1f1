import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { commandLine } from '../support/command.ts';

import { mllpReceiver, sendUntilAcknowledged } from '../support/mllp-peers.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const WRAPPER = join(import.meta.dirname, '../../src/cli/waybill.cjs');

const messageOf = (id: string, kind: string): string =>
  `MSH|^~\\&|S|A|R|B|20260101||ADT^A01^ADT_A01|${id}|P|2.5.1\rEVN|A01\rPID|1||${id}^^^H^MR||${kind}\rPV1|1|I\r`;

const PRODUCTION = (service: number, receiver: number): string => `production: looping
services:
  in: { adapter: mllp-in, settings: { listen: "127.0.0.1:${service}" }, to: [ways] }
processes:
  ways:
    rules:
      - { name: transform, when: 'field("PID-5") == "TRANSFORM"', send: { to: lab, transform: spin } }
      - { name: inline, when: 'field("PID-5") == "INLINE"', send: spinning }
      - { name: queued, when: 'field("PID-5") == "QUEUED"', send: waiting }
      - { name: all, when: 'true', send: lab }
  spinning: { code: code.ts, run: inline, to: [lab] }
  waiting: { code: code.ts, to: [lab] }
operations:
  lab: { adapter: mllp-out, settings: { connect: "127.0.0.1:${receiver}" } }
transforms: { spin: spin.ts }
`;

const SPIN = `export default ({ document }) => { for (;;) document.get('PID-3'); };\n`;
const CODE = `export default async (message, context) => {
  await context.now();
  for (;;) message.document();
};\n`;

test('an endless loop in a transform, in inline and in queued code: each ends, and nothing is lost', async () => {
  await using folder = await temporaryFolder('endless');
  await using lab = await mllpReceiver();
  const port = await freePort();
  const production = join(folder.path, 'looping');
  const data = join(folder.path, 'data');
  await mkdir(production);
  await writeFile(join(production, 'production.yaml'), PRODUCTION(port, lab.port));
  await writeFile(join(production, 'spin.ts'), SPIN);
  await writeFile(join(production, 'code.ts'), CODE);
  const options = ['--data', data, '--metrics', 'off', '--console', 'off', '--stuck-after', '1s'];
  const child = spawn(
    process.execPath,
    // whoever watches the files applies nothing at a start: what stood still would be taken up again
    [WRAPPER, 'run', production, '--watch', '--durability', 'process-crash', ...options],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  const arrived = (id: string): Promise<void> =>
    vi.waitFor(() => expect(lab.received.map(({ controlId }) => controlId)).toContain(id), 60_000);
  try {
    for (const [at, kind] of ['TRANSFORM', 'INLINE', 'QUEUED'].entries()) {
      const messages = [messageOf(`L${at}`, kind), messageOf(`G${at}`, 'GOOD')];
      await sendUntilAcknowledged(port, messages, () => undefined);
      await arrived(`G${at}`);
    }
    await vi.waitFor(
      async () => {
        const found = await commandLine('find', 'status=suspended', '--json', '--data', data);
        expect(found).toMatchObject({ code: 0 });
        const { items } = JSON.parse(found.stdout) as {
          items: { target: string; error?: { code: string } }[];
        };
        expect(
          items
            .map(({ target, error }) => `${target} ${error?.code}`)
            .toSorted((a, b) => a.localeCompare(b)),
        ).toEqual(['spinning PROCESS_STUCK', 'waiting PROCESS_STUCK', 'ways PROCESS_STUCK']);
      },
      { timeout: 60_000, interval: 500 },
    );
    for (const host of ['ways', 'spinning', 'waiting']) {
      expect(log).toMatch(new RegExp(`was stuck for 1s while ${host} worked on message \\d+`));
    }
    expect(log.match(/"engine-stuck"/g)?.length).toBeGreaterThanOrEqual(3);
  } catch (error) {
    throw new Error(`${String(error)}\n${log.slice(-4_000)}`, { cause: error });
  } finally {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  }
});
