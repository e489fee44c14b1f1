import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import type { Expression } from '../../src/expression/expression.ts';
import { definition, operationDefinition, serviceDefinition } from '../support/definition.ts';
import { testInbound, testOutbound } from '../support/loopback-adapter.ts';
import { startNats } from '../support/nats.ts';
import { run } from '../support/running.ts';

const text = (value: string) => ({ body: Buffer.from(value), type: 'text/plain' });
const valueOf = (body: { readonly inline: Uint8Array | undefined }): string =>
  Buffer.from(body.inline ?? []).toString();

/** The key is the letter that a body begins with. */
const firstLetter: Expression = {
  source: 'first letter',
  readsBody: true,
  evaluate: (scope) => Buffer.from(scope.document().bytes()).toString().slice(0, 1),
};

test('by key, a slow patient delays only what shares its line, and each key stays in order', async () => {
  await using nats = await startNats();
  const from = testInbound();
  const free = Promise.withResolvers<undefined>();
  const to = testOutbound(({ body }) => (valueOf(body) === 'a0' ? free.promise : undefined));
  await using _ = await run(
    nats,
    definition({
      services: [serviceDefinition('in', from, { to: ['out'] })],
      operations: [
        operationDefinition('out', to, {
          order: { byKey: firstLetter, partitions: 8 },
          timeout: 30_000,
        }),
      ],
    }),
  );
  await vi.waitFor(() => from.deliver(text('a0')));
  const keys = 'bcdefghij';
  for (let n = 1; n < 6; n++) {
    for (const key of `a${keys}`) await from.deliver(text(`${key}${n}`));
  }
  // keys on other partitions go on while a waits
  await vi.waitFor(() => expect(to.sent.length).toBeGreaterThan(10));
  expect(to.sent.some(({ body }) => valueOf(body).startsWith('a'))).toBe(false);
  free.resolve(undefined);
  await vi.waitFor(() => expect(to.sent).toHaveLength(51), 10_000);
  for (const key of `a${keys}`) {
    const order = to.sent.map(({ body }) => valueOf(body)).filter((value) => value.startsWith(key));
    expect(order).toEqual(order.toSorted());
  }
});

test('an unordered pool sends as many at once as it is told, and never more', async () => {
  await using nats = await startNats();
  const from = testInbound();
  let now = 0;
  let most = 0;
  const to = testOutbound(async () => {
    most = Math.max(most, ++now);
    await sleep(20);
    now--;
    return undefined;
  });
  await using _ = await run(
    nats,
    definition({
      services: [serviceDefinition('in', from, { to: ['out'] })],
      operations: [operationDefinition('out', to, { order: 'none', pool: 4 })],
    }),
  );
  await vi.waitFor(() => from.deliver(text('first')));
  await Promise.all(Array.from({ length: 40 }, (__, n) => from.deliver(text(String(n)))));
  await vi.waitFor(() => expect(to.sent).toHaveLength(41), 10_000);
  expect(most).toBe(4);
});

test('a reply rule that stops the operation leaves the message at the head, and nothing overtakes it', async () => {
  await using nats = await startNats();
  const from = testInbound();
  let code = 'AE';
  const to = testOutbound(() => ({ body: Buffer.from(''), type: 'text/plain', code }));
  await using running = await run(
    nats,
    definition({
      services: [serviceDefinition('in', from, { to: ['out'] })],
      operations: [operationDefinition('out', to, { replies: { AE: 'stop' } })],
    }),
  );
  await vi.waitFor(() => from.deliver(text('1')));
  for (const value of ['2', '3']) await from.deliver(text(value));
  const out = () => running.director.statuses().find(({ host }) => host === 'out');
  await vi.waitFor(() => expect(out()?.state).toBe('stopped'));
  expect(to.sent).toHaveLength(1);
  code = 'AA';
  await running.director.switchOn('out');
  await vi.waitFor(() => expect(to.sent).toHaveLength(4), 15_000);
  expect(to.sent.slice(1).map(({ body }) => valueOf(body))).toEqual(['1', '2', '3']);
}, 30_000);
