import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { connectBroker } from '../../src/broker/broker.ts';
import { type EngineProcess, startEngineProcess } from '../support/engine-process.ts';
import { type Cut, framedPeer } from '../support/framed-peer.ts';
import { startNats } from '../support/nats.ts';
import { tcpGate } from '../support/tcp-gate.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const PARTS = 1_500;
/** Bytes a second that pass to NATS while the parts are being stored: it takes seconds. */
const SLOW = 100_000;

const production = (port: number): string => `
production: split-cut
services:
  files:
    adapter: file-in
    settings: { folder: in, pattern: "*.txt", every: 100ms, stable: 0s, archive: done }
    to: [splitter]
processes:
  splitter:
    rules:
      - { name: all, when: 'true', send: { to: lines, transform: one } }
operations:
  lines:
    adapter: tcp-out
    settings: { connect: "127.0.0.1:${port}", framing: length, reply: bytes, accepted: 'K' }
transforms: { one: one.yaml }
`;

const linesOf = (file: string): string[] =>
  Array.from({ length: PARTS }, (_, at) => `${file}-${String(at + 1).padStart(5, '0')}`);

/** A message after its length in four bytes. */
const cut: Cut = (bytes) => {
  const end = bytes.length < 4 ? Number.POSITIVE_INFINITY : 4 + bytes.readUInt32BE();
  if (bytes.length < end) return undefined;
  return { body: bytes.subarray(4, end), rest: bytes.subarray(end) };
};

test('a file that is split while the engine is killed or NATS stands still arrives whole, in order, no part stored twice', async () => {
  await using folder = await temporaryFolder('split-cut');
  const path = (...names: string[]): string => join(folder.path, ...names);
  await using nats = await startNats();
  await using gate = await tcpGate(Number(new URL(nats.url).port));
  gate.slow(SLOW);
  await using receiver = await framedPeer(cut, () => Buffer.from('K'));
  const { received } = receiver;
  await Promise.all(['in', 'done'].map((name) => mkdir(path(name))));
  await writeFile(path('production.yaml'), production(receiver.port));
  await writeFile(path('one.yaml'), 'split: { each: lines, most: 100000 }\n');
  const { user, password } = nats;
  await using broker = await connectBroker({ ...nats, production: 'split-cut', role: 'test' });
  const start = (): Promise<EngineProcess> =>
    startEngineProcess({
      production: folder.path,
      data: path('data'),
      ports: [],
      arguments: [
        '--log-level',
        'warn',
        '--nats',
        `nats://${user}:${password}@127.0.0.1:${gate.port}`,
      ],
    });
  const put = async (name: string): Promise<void> => {
    await writeFile(path(`${name}.new`), `${linesOf(name).join('\n')}\n`);
    await rename(path(`${name}.new`), path('in', `${name}.txt`));
  };
  const isWaiting = async (): Promise<boolean> => (await readdir(path('in'))).length > 0;
  const came = (): string[] => received.map((line) => line.toString().trim());
  /** Those that came again are not counted. */
  const arrived = (count: number): Promise<void> =>
    vi.waitFor(() => expect(new Set(came()).size).toBeGreaterThanOrEqual(count), {
      timeout: 60_000,
      interval: 20,
    });

  /** How many messages were ever stored for the target. */
  const last = async (): Promise<number> => {
    const { stream } = broker.names.queue('lines');
    return (await broker.manager.streams.info(stream)).state.last_seq;
  };
  const stored = (count: number): Promise<void> =>
    vi.waitFor(async () => expect(await last()).toBeGreaterThanOrEqual(count), 30_000);

  await using first = await start();
  await put('killed');
  await stored(100);
  expect(await isWaiting()).toBe(true);
  await first.kill();
  gate.slow(Number.POSITIVE_INFINITY);
  await using second = await start();
  await arrived(PARTS);
  await vi.waitFor(async () => expect(await isWaiting()).toBe(false), 30_000);

  gate.slow(SLOW);
  await put('stalled');
  await stored(PARTS + 100);
  expect(await isWaiting()).toBe(true);
  gate.pause();
  await vi.waitFor(() => expect(second.output()).toContain('file-waits'), 15_000);
  gate.slow(Number.POSITIVE_INFINITY);
  gate.resume();
  expect(await isWaiting()).toBe(true);
  await arrived(2 * PARTS);
  await vi.waitFor(async () => expect(await isWaiting()).toBe(false), 30_000);
  // what a strict line had under way may come again: two at the kill, two at the stall
  expect(received.length).toBeLessThanOrEqual(2 * PARTS + 4);
  expect(await last()).toBe(2 * PARTS);
  expect([...new Set(came())]).toEqual([...linesOf('killed'), ...linesOf('stalled')]);
}, 300_000);
