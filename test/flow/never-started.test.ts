import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { queueStates } from '../../src/broker/queue-survey.ts';
import type { QueueOrder } from '../../src/definition/definition.ts';
import { rootLogger } from '../../src/log/logger.ts';
import { definition, operationDefinition, serviceDefinition } from '../support/definition.ts';
import { firstLetter } from '../support/expression-of.ts';
import { testInbound, testOutbound } from '../support/loopback-adapter.ts';
import { startNats } from '../support/nats.ts';
import { readAll } from '../support/projecting.ts';
import { type Running, run } from '../support/running.ts';

const text = (value: string) => ({ body: Buffer.from(value), type: 'text/plain' });
const valueOf = (body: { readonly inline: Uint8Array | undefined }): string =>
  Buffer.from(body.inline ?? []).toString();

const byKey = (partitions: number): QueueOrder => ({ byKey: firstLetter, partitions });

/** So soon goes what is settled. */
const MARGIN = 100;

interface Out {
  readonly order: QueueOrder;
  readonly pool?: number;
  readonly enabled?: boolean;
}

function production() {
  const from = testInbound();
  const to = testOutbound();
  const made = (out: Out | undefined) =>
    definition({
      services: [serviceDefinition('in', from, { to: out === undefined ? ['other'] : ['out'] })],
      operations: [
        operationDefinition('other', testOutbound()),
        ...(out === undefined ? [] : [operationDefinition('out', to, out)]),
      ],
    });
  const sent = () => to.sent.map(({ body }) => valueOf(body));
  return { from, sent, with: made };
}

const waiting = async ({ engine }: Running): Promise<number> =>
  (await queueStates(engine.broker)).get('out')?.depth ?? 0;

const orders: [string, Omit<Out, 'enabled'>][] = [
  ['fifo', { order: 'fifo' }],
  ['fifo with a pool', { order: 'fifo', pool: 4 }],
  ['none', { order: 'none', pool: 4 }],
  ['by key', { order: byKey(4) }],
];

for (const [name, out] of orders) {
  test(`a host that was never started gets everything accepted for it, however long that was (${name})`, async () => {
    await using nats = await startNats();
    const made = production();
    await using running = await run(nats, made.with({ ...out, enabled: false }), undefined, MARGIN);
    await using _ = readAll(running.engine.broker);
    await vi.waitFor(() => made.from.deliver(text('a0')));
    const values = ['a0'];
    for (let n = 1; n < 40; n++) {
      values.push(`${'abc'[n % 3]}${n}`);
      await made.from.deliver(text(values.at(-1) ?? ''));
    }
    // the janitor comes by several times, with all of it in the trace
    await sleep(10 * MARGIN);
    expect(await waiting(running)).toBe(40);
    await running.director.switchOn('out');
    await vi.waitFor(() => expect(made.sent()).toHaveLength(40), 10_000);
    const strict = out.order === 'fifo' && out.pool === undefined;
    expect(strict ? made.sent() : made.sent().toSorted()).toEqual(
      strict ? values : values.toSorted(),
    );
    await vi.waitFor(async () => expect(await waiting(running)).toBe(0));
  });
}

test.concurrent('what waits when the order of a queue changes goes first, in its order, also after several changes and back', async () => {
  await using nats = await startNats();
  const made = production();
  await using running = await run(
    nats,
    made.with({ order: 'fifo', enabled: false }),
    undefined,
    MARGIN,
  );
  await using _ = readAll(running.engine.broker);
  await vi.waitFor(() => made.from.deliver(text('a00')));
  const values = ['a00'];
  const changes: Out[] = [
    { order: byKey(4) },
    { order: byKey(3) },
    { order: 'fifo' },
    { order: byKey(4) },
    { order: 'none', pool: 2 },
    { order: 'fifo' },
  ];
  for (const out of changes) {
    for (let n = 0; n < 9; n++) {
      values.push(`${'abc'[n % 3]}${String(values.length).padStart(2, '0')}`);
      await made.from.deliver(text(values.at(-1) ?? ''));
    }
    await running.director.apply(made.with({ ...out, enabled: false }), ['out']);
    expect(await waiting(running)).toBe(values.length);
  }
  await sleep(5 * MARGIN);
  await running.director.switchOn('out');
  await made.from.deliver(text('a99'));
  values.push('a99');
  await vi.waitFor(() => expect(made.sent()).toHaveLength(values.length), 20_000);
  for (const key of 'abc') {
    const of = (list: readonly string[]) => list.filter((value) => value.startsWith(key));
    expect(of(made.sent())).toEqual(of(values));
  }
  // the streams of the orders before are removed once they are empty
  const { engine } = running;
  await vi.waitFor(
    async () => {
      const found = [];
      for await (const name of engine.broker.manager.streams.names('wb.>')) {
        if (engine.broker.names.queueOf(name)?.host === 'out') found.push(name);
      }
      expect(found).toHaveLength(1);
    },
    { timeout: 15_000, interval: 200 },
  );
});

test.concurrent('the queue of a host that is taken out of the production keeps what waits, and is told of', async () => {
  await using nats = await startNats();
  const made = production();
  const told: unknown[] = [];
  const log = rootLogger('info', { write: (line) => told.push(JSON.parse(line)) });
  const first = made.with({ order: byKey(4), enabled: false });
  await using running = await run(nats, first, log, MARGIN);
  await using _ = readAll(running.engine.broker);
  await vi.waitFor(() => made.from.deliver(text('a0')));
  for (const value of ['b1', 'a2', 'b3']) await made.from.deliver(text(value));
  await running.director.apply(made.with(undefined), ['out', 'in']);
  await vi.waitFor(() =>
    expect(told).toContainEqual(
      expect.objectContaining({
        event: 'queue-left',
        text: expect.stringMatching(/^4 messages .*out/),
      }),
    ),
  );
  await sleep(5 * MARGIN);
  expect(await waiting(running)).toBe(4);
  await running.director.apply(made.with({ order: 'fifo' }), ['out', 'in']);
  await vi.waitFor(() => expect(made.sent()).toHaveLength(4), 10_000);
  expect(made.sent().filter((value) => value.startsWith('a'))).toEqual(['a0', 'a2']);
});
