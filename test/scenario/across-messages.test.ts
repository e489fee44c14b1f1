import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { connectBroker } from '../../src/broker/broker.ts';
import { readNatsState } from '../../src/broker/embedded/nats-server.ts';
import { WORKER } from '../../src/broker/names.ts';
import { commandLine } from '../support/command.ts';
import { startEngineProcess } from '../support/engine-process.ts';
import { mllpReceiver, sendUntilAcknowledged } from '../support/mllp-peers.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const MESSAGES = 24;
const KILLS = 1;

const production = (port: number, [out, paired]: readonly number[], files: string): string => `
production: across
services:
  in: { adapter: mllp-in, settings: { listen: "127.0.0.1:${port}" }, to: [sort] }
processes:
  sort:
    rules:
      - { name: both, when: type == "ADT_A01", send: [count, pairs] }
      - { name: second, when: type == "ADT_A03", send: pairs }
  pairs:
    code: pairs.ts
    receives: { key: 'event == "A03" ? field("PID-3.1") : ""', keep: 1h }
    order: none
    pool: 4
    to: [paired]
  count: { code: count.ts, order: none, pool: 8, to: [out, bundle] }
  bundle:
    collect: { count: 7, within: 3s, as: hl7 }
    order: none
    pool: 4
    to: files
operations:
  out: { adapter: mllp-out, settings: { connect: "127.0.0.1:${out}" }, retry: { every: 100ms, for: forever } }
  paired: { adapter: mllp-out, settings: { connect: "127.0.0.1:${paired}" }, retry: { every: 100ms, for: forever } }
  files: { adapter: file-out, settings: { folder: ${files}, makeFolder: true, name: "{name}.hl7" } }
`;

const COUNT = `
import { defineProcess } from 'waybill';
export default defineProcess(async (message, context) => {
  const document = message.document();
  const count = await context.state<number>('all of them').update((before = 0) => before + 1);
  await context.state<string>('the last').set(document.get('MSH-10'));
  document.set('MSH-5', String(count));
  await context.send('out', document);
  await context.send('bundle', document);
  return undefined;
});
`;

const PAIRS = `
import { defineProcess } from 'waybill';
export default defineProcess(async (message, context) => {
  const document = message.document();
  const second = document.get('EVN-1') === 'A03' ? undefined :
    await context.receive({ key: document.get('PID-3.1'), timeout: 3_600_000 });
  document.set('MSH-5', second === undefined ? 'ALONE' : second.document().get('MSH-10'));
  await context.send('paired', document);
  return undefined;
});
`;

const messageOf = (id: number, event: 'A01' | 'A03'): string =>
  `MSH|^~\\&|S|A|R|B|20260101||ADT^${event}^ADT_${event}|${event === 'A01' ? '' : 'S'}${id}|P|2.5.1\rEVN|${event}\rPID|1||${id}^^^H^MR\rPV1|1|I\r`;

/** What the dead engine had taken would come again after the half minute in which it might still be at work. */
async function deliverAgain(data: string): Promise<void> {
  const access = await readNatsState(data);
  if (access === undefined) throw new Error('there is no NATS to ask');
  await using broker = await connectBroker({ ...access, production: 'across', role: 'test' });
  for (const host of ['count', 'bundle', 'pairs']) {
    await broker.manager.consumers.delete(broker.names.queue(host).stream, WORKER);
  }
}

/** The control ids in the collected files. */
async function collectedIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  const texts = await Promise.all(
    names
      .filter((name) => name.endsWith('.hl7'))
      .map((name) => readFile(join(folder, name), 'latin1')),
  );
  return texts.flatMap((text) =>
    text.split('\r').flatMap((line) => (line.startsWith('MSH') ? (line.split('|')[9] ?? '') : [])),
  );
}

test('an engine that is killed again and again counts, collects and pairs each message once', async () => {
  await using folder = await temporaryFolder();
  await using out = await mllpReceiver();
  await using paired = await mllpReceiver();
  const port = await freePort();
  const files = join(folder.path, 'files');
  await writeFile(
    join(folder.path, 'production.yaml'),
    production(port, [out.port, paired.port], files),
  );
  await writeFile(join(folder.path, 'count.ts'), COUNT);
  await writeFile(join(folder.path, 'pairs.ts'), PAIRS);
  const data = join(folder.path, 'data');
  const start = () =>
    startEngineProcess({
      production: folder.path,
      data,
      ports: [port],
      arguments: ['--log-level', 'error'],
    });
  let engine = await start();
  try {
    const texts = Array.from({ length: MESSAGES }, (_, n) => [
      messageOf(n, 'A01'),
      messageOf(n, 'A03'),
    ]).flat();
    let acknowledged = 0;
    const sending = sendUntilAcknowledged(port, texts, () => (acknowledged += 1));
    for (let kill = 1; kill <= KILLS; kill++) {
      await vi.waitFor(() =>
        expect(acknowledged).toBeGreaterThan((kill * texts.length) / (KILLS + 1)),
      );
      await engine.kill();
      engine = await start();
      await deliverAgain(data);
    }
    await sending;
    await vi.waitFor(
      () => expect(new Set(out.received.map(({ controlId }) => controlId)).size).toBe(MESSAGES),
      60_000,
    );
    const ids = Array.from({ length: MESSAGES }, (_, n) => `${n}`);
    await vi.waitFor(
      async () => expect((await collectedIn(files)).toSorted()).toEqual(ids.toSorted()),
      60_000,
    );
    // each with its second message, and none of those on its own
    await vi.waitFor(() => {
      const pairs = paired.received.map(({ body }) => {
        const [, , , , to = '', , , , , id = ''] = body.toString('latin1').split('|');
        return `${id} ${to}`;
      });
      expect([...new Set(pairs)].toSorted()).toEqual(ids.map((id) => `${id} S${id}`).toSorted());
    }, 60_000);
    const { stdout: left } = await commandLine('batches', '--data', data);
    expect(left).toMatch(/nothing is collected/);
    const state = async (...words: string[]): Promise<string> => {
      const { code, stdout, stderr } = await commandLine('state', ...words, '--data', data);
      return code === 0 ? stdout.trim() : stderr.trim();
    };
    expect(await state('all of them')).toBe(String(MESSAGES));
    expect(await state()).toMatch(/all of them +\d B .* count, message \d+ /);
    expect(await state('all of them', '--remove')).toBe('removed');
    expect(await state()).not.toContain('all of them');
  } finally {
    await engine.stop();
  }
});
