import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { startNatsServer } from '../../src/broker/embedded/nats-server.ts';
import { WORKER } from '../../src/broker/names.ts';
import { queueRooms } from '../../src/broker/queue-survey.ts';
import type { Message } from '../../src/message/message.ts';
import {
  definition,
  operationDefinition,
  processDefinition,
  serviceDefinition,
} from '../support/definition.ts';
import { given, silent } from '../support/given.ts';
import { testInbound, testOutbound } from '../support/loopback-adapter.ts';
import { startNats } from '../support/nats.ts';
import { run } from '../support/running.ts';
import { canMount, smallDisk } from '../support/small-disk.ts';

/** As short as JetStream allows: a queue may be full for longer than its memory of message ids. */
const WINDOW = 100;

const SIZE = 20_000;

const bodyOf = (name: string): Buffer => Buffer.from(name.padEnd(SIZE, '.'));
const nameOf = ({ body }: Message): string =>
  Buffer.from(body.inline ?? [])
    .toString()
    .replaceAll('.', '');

function production(through: readonly string[]) {
  const from = testInbound();
  const free = Promise.withResolvers<undefined>();
  const stuck = testOutbound((_, signal) => {
    const stopped = Promise.withResolvers<undefined>();
    signal.addEventListener('abort', () => stopped.reject(new Error('stopped')), { once: true });
    return Promise.race([free.promise, stopped.promise]);
  });
  const well = testOutbound();
  const { settings } = definition({ services: [], operations: [] });
  const sends = ['well', 'stuck'].map((to) => ({ to, transforms: [] }));
  const made = definition({
    services: [serviceDefinition('in', from, { to: through })],
    processes: [
      processDefinition('router', {
        run: 'queued',
        rules: [{ name: 'rules', rules: [], otherwise: sends }],
      }),
    ],
    operations: [
      operationDefinition('well', well),
      operationDefinition('stuck', stuck, { timeout: Number.POSITIVE_INFINITY }),
    ],
    rest: { settings: { ...settings, duplicateWindow: WINDOW, queueLimit: 5 * SIZE } },
  });
  return { from, free, stuck, well, definition: made };
}

/** Frees the room of what was settled in a queue, as the janitor does. */
async function tidied({ engine }: Awaited<ReturnType<typeof run>>, host: string): Promise<void> {
  const { manager, names } = engine.broker;
  const { stream } = names.queue(host);
  const { ack_floor } = await manager.consumers.info(stream, WORKER);
  // nats-server takes `seq: 1` for everything
  if (ack_floor.stream_seq > 0)
    await manager.streams.purge(stream, { seq: ack_floor.stream_seq + 1 });
}

test('while the queue of one target is full, what is refused and sent again reaches the other targets once', async () => {
  await using nats = await startNats();
  const { from, free, stuck, well, definition: made } = production(['well', 'stuck']);
  await using running = await run(nats, made);
  const accepted: string[] = [];
  const deliver = async (name: string, dedupeKey?: string): Promise<unknown> => {
    try {
      await from.deliver({
        body: bodyOf(name),
        type: 'text/plain',
        ...(dedupeKey !== undefined && { dedupeKey }),
      });
      accepted.push(name);
      return undefined;
    } catch (error) {
      return error;
    }
  };
  await vi.waitFor(() => deliver('m0', 'm0').then((error) => expect(error).toBeUndefined()));
  let number = 1;
  while ((await deliver(`m${number}`, `m${number}`)) === undefined) number++;
  const refused = `m${number}`;
  expect(number).toBeGreaterThan(2);
  const full = (await queueRooms(running.engine.broker)).find(({ host }) => host === 'stuck');
  expect(full).toMatchObject({ limit: 5 * SIZE });
  expect(full?.bytes).toBeGreaterThan(0.6 * 5 * SIZE);
  for (let tries = 0; tries < 4; tries++) {
    await sleep(WINDOW / 2);
    await tidied(running, 'well');
    expect(await deliver(refused, refused)).toMatchObject({ code: 'QUEUE_FULL', retryable: true });
    // without an id of its sender each try is another message: it is refused before it goes anywhere
    expect(await deliver('nameless')).toMatchObject({ code: 'QUEUE_FULL' });
  }
  free.resolve(undefined);
  await vi.waitFor(() => expect(stuck.sent.length).toBe(number));
  for (const [name, key] of [[refused, refused], ['nameless']] as const) {
    // there is room once what was sent is acknowledged too
    await vi.waitFor(async () => {
      for (const host of ['well', 'stuck']) await tidied(running, host);
      expect(await deliver(name, key)).toBeUndefined();
    });
  }
  await vi.waitFor(() => expect(stuck.sent.map(nameOf)).toEqual(accepted));
  await vi.waitFor(() => expect(well.sent.map(nameOf).toSorted()).toEqual(accepted.toSorted()));
});

test('a queued process waits for room at one target and sends to the others once', async () => {
  await using nats = await startNats();
  const { from, free, stuck, well, definition: made } = production(['router']);
  await using running = await run(nats, made);
  const names = Array.from({ length: 7 }, (_, n) => `m${n}`);
  await vi.waitFor(() => from.deliver({ body: bodyOf('m0'), type: 'text/plain' }));
  for (const name of names.slice(1)) {
    // its own queue has room once the process took what came before
    await vi.waitFor(
      async () => {
        await tidied(running, 'router');
        await from.deliver({ body: bodyOf(name), type: 'text/plain' });
      },
      { timeout: 10_000 },
    );
  }
  // the process tries again and again meanwhile, for longer than JetStream remembers ids
  for (const _ of names) {
    await tidied(running, 'well');
    await sleep(400);
  }
  const meanwhile = well.sent.map(nameOf);
  expect(meanwhile).toEqual([...new Set(meanwhile)]);
  free.resolve(undefined);
  await vi.waitFor(
    async () => {
      for (const host of ['well', 'stuck']) await tidied(running, host);
      expect(stuck.sent.length).toBe(names.length);
    },
    { timeout: 40_000, interval: 500 },
  );
  await vi.waitFor(() => expect(well.sent.map(nameOf).toSorted()).toEqual(names));
});

test.skipIf(!canMount)(
  'a full disk of NATS is told as that, not as the limit of a queue',
  async () => {
    await using disk = await smallDisk();
    await using nats = await startNatsServer({ data: join(disk.path, 'data') });
    await using line = await given({ nats, operations: { out: { answer: silent } } });
    await line.come('1');
    await expect(writeFile(join(disk.path, 'fill'), Buffer.alloc(2_000_000))).rejects.toThrow(
      'ENOSPC',
    );
    await expect(line.comes('x'.repeat(50_000))).rejects.toMatchObject({
      message: expect.stringContaining('no space left on device') as string,
      retryable: true,
    });
    await rm(join(disk.path, 'fill'));
    await vi.waitFor(() => line.come('2'));
  },
);
