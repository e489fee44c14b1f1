import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import {
  definition,
  operationDefinition,
  processDefinition,
  serviceDefinition,
} from '../support/definition.ts';
import { testInbound, testOutbound } from '../support/loopback-adapter.ts';
import { startNats } from '../support/nats.ts';
import { run } from '../support/running.ts';

const SIZE = 1_000;
const { settings } = definition({ services: [], operations: [] });
const SMALL = { settings: { ...settings, inlineLimit: SIZE / 10 } };

const large = (name: string): { body: Uint8Array; type: string; dedupeKey: string } => ({
  body: Buffer.from(name.padEnd(SIZE, '.')),
  type: 'text/plain',
  dedupeKey: name,
});

async function bodiesOf({ broker }: Engine): Promise<number> {
  const { stream, subjects } = broker.names.bodies;
  const { state } = await broker.manager.streams.info(stream, { subjects_filter: subjects });
  return Object.keys(state.subjects ?? {}).length;
}

/** A line whose peer takes nothing, and whose queue is soon full. */
const blocked = () =>
  testOutbound((_, signal) => {
    const stopped = Promise.withResolvers<undefined>();
    signal.addEventListener('abort', () => stopped.reject(new Error('stopped')), { once: true });
    return stopped.promise;
  });

test('large bodies that are refused leave nothing behind', async () => {
  await using nats = await startNats();
  const from = testInbound();
  await using running = await run(
    nats,
    definition({
      services: [serviceDefinition('in', from, { to: ['stuck'] })],
      operations: [operationDefinition('stuck', blocked(), { timeout: 60_000 })],
      rest: { settings: { ...SMALL.settings, queueLimit: 2_000 } },
    }),
  );
  const refusal = (name: string): Promise<unknown> =>
    from.deliver(large(name)).then(
      () => undefined,
      (error: unknown) => error,
    );
  await vi.waitFor(async () => expect(await refusal('0')).toBeUndefined());
  let stored = 1;
  while ((await refusal(`${stored}`)) === undefined) stored += 1;
  for (let tries = 0; tries < 5; tries++) {
    expect(await refusal(`${stored}`)).toMatchObject({ code: 'QUEUE_FULL' });
  }
  await vi.waitFor(async () => expect(await bodiesOf(running.engine)).toBe(stored));
});

test('a large body that one of its targets has stays, however often the others refuse it', async () => {
  await using nats = await startNats();
  const from = testInbound();
  const well = testOutbound();
  await using running = await run(
    nats,
    definition({
      services: [serviceDefinition('in', from, { to: ['well', 'stuck'] })],
      operations: [
        operationDefinition('well', well),
        operationDefinition('stuck', blocked(), { timeout: 60_000 }),
      ],
      rest: { settings: { ...SMALL.settings, queueLimit: 1_500 } },
    }),
  );
  const { engine } = running;
  await vi.waitFor(() => from.deliver(large('first')));
  // only the second target's queue is full: its first body went to the other one
  const { subject } = engine.broker.names.queue('stuck');
  const fill = (): Promise<unknown> => engine.broker.publisher.publish(subject, Buffer.alloc(400));
  await expect(
    (async () => {
      for (;;) await fill();
    })(),
  ).rejects.toMatchObject({ code: 'QUEUE_FULL' });
  for (let tries = 0; tries < 4; tries++) {
    await expect(from.deliver(large('second'))).rejects.toMatchObject({ code: 'QUEUE_FULL' });
  }
  await vi.waitFor(() => expect(well.sent).toHaveLength(2));
  for (const { body } of well.sent) expect((await body.bytes()).byteLength).toBe(SIZE);
  await vi.waitFor(async () => expect(await bodiesOf(engine)).toBe(2));
});

test('what a process made before it failed, and what comes again after a restart, leaves no large body', async () => {
  await using nats = await startNats();
  const code = join(nats.data, 'fails-late.mjs');
  await writeFile(
    code,
    `export default async (message, context) => {
       await context.send('out', 'x'.repeat(${SIZE}));
       await context.send('out', 'y'.repeat(${SIZE}));
       await context.send('nowhere', 'z'.repeat(${SIZE}));
     };\n`,
  );
  const from = testInbound();
  const twice = testInbound();
  const out = testOutbound();
  const made = () =>
    definition({
      services: [
        serviceDefinition('in', from, { to: ['fails'] }),
        serviceDefinition('again', twice, { to: ['out'] }),
      ],
      processes: [processDefinition('fails', { code })],
      operations: [operationDefinition('out', out)],
      rest: SMALL,
    });
  const first = await run(nats, made());
  await vi.waitFor(() => from.deliver(large('in')));
  await twice.deliver(large('again'));
  // what was accepted is suspended with its body; nothing of what was made of it is left
  await vi.waitFor(async () => expect(await bodiesOf(first.engine)).toBe(2));
  await vi.waitFor(() => expect(out.sent).toHaveLength(1));
  expect(await out.sent[0]?.body.bytes()).toHaveLength(SIZE);
  await first.stop();
  // an engine that remembers nothing: JetStream tells that the message is stored
  await using second = await run(nats, made());
  const receipt = await vi.waitFor(() => twice.deliver(large('again')));
  expect(receipt.status).toBe('duplicate');
  await vi.waitFor(async () => expect(await bodiesOf(second.engine)).toBe(2));
});
