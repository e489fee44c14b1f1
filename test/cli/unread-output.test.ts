import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { mllpReceiver, sendUntilAcknowledged } from '../support/mllp-peers.ts';
import { productionFolder } from '../support/production.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

const messageOf = (id: string): string =>
  `MSH|^~\\&|S|A|R|B|20260101||ADT^A01^ADT_A01|${id}|P|2.5.1\rEVN|A01\rPID|1||P1^^^H^MR||DOE^JOHN\rPV1|1|I\r`;

/** A `waybill run` whose output goes to a pipe that nobody reads, or to a full disk. */
async function started(output: 'broken pipe' | 'full disk') {
  await using stack = new AsyncDisposableStack();
  const receiver = stack.use(await mllpReceiver());
  const port = await freePort();
  const folder = stack.use(
    await productionFolder({
      'production.yaml': `production: unread
services:
  in: { adapter: mllp-in, settings: { listen: "127.0.0.1:${port}" }, to: [out] }
operations:
  out: { adapter: mllp-out, settings: { connect: "127.0.0.1:${receiver.port}" } }
`,
    }),
  );
  const full = stack.use(await open('/dev/full', 'w'));
  const to = output === 'full disk' ? full.fd : 'pipe';
  const data = join(folder.path, 'data');
  const child = spawn(
    process.execPath,
    `--conditions=waybill-source ${MAIN} run ${folder.path} --data ${data} --metrics off --console off`.split(
      ' ',
    ),
    { stdio: ['ignore', to, to] },
  );
  stack.defer(() => void child.kill('SIGKILL'));
  child.stdout?.destroy();
  child.stderr?.destroy();
  await vi.waitFor(async () => {
    expect(child.exitCode).toBeNull();
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect').finally(() => socket.destroy());
  }, 60_000);
  const all = stack.move();
  return { child, port, receiver, data, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

test.for(['broken pipe', 'full disk'] as const)(
  'an engine whose output goes to a %s moves messages, and ends in order',
  async (output) => {
    await using made = await started(output);
    const { child, port, receiver, data } = made;
    const ids = ['1', '2', '3'];
    await sendUntilAcknowledged(port, ids.map(messageOf), () => undefined);
    await vi.waitFor(() => expect(receiver.received.map((one) => one.controlId)).toEqual(ids));
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    expect(existsSync(join(data, 'engine.lock'))).toBe(false);
  },
);
