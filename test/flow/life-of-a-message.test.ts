import { expect, test, vi } from 'vitest';
import { outcomeTail } from '../../src/broker/outcome-tail.ts';
import { RejectedError, SuspendError, TemporaryError } from '../../src/error/adapter-error.ts';
import type { JournalRecord } from '../../src/message/record.ts';
import { definition, operationDefinition, serviceDefinition } from '../support/definition.ts';
import { testInbound, testOutbound } from '../support/loopback-adapter.ts';
import { startNats } from '../support/nats.ts';
import { run } from '../support/running.ts';

const text = (value: string) => ({ body: Buffer.from(value), type: 'text/plain' });

async function outcomes(running: Awaited<ReturnType<typeof run>>): Promise<JournalRecord[]> {
  await running.engine.outcomes.flush();
  const found: JournalRecord[] = [];
  for await (const { record } of outcomeTail(running.engine.broker, 60_000)) {
    if (record.kind === 'outcome') found.push(record);
  }
  return found;
}

test('an accepted message is sent once, in order, and its outcome is journaled', async () => {
  await using nats = await startNats();
  const from = testInbound();
  const to = testOutbound();
  await using running = await run(
    nats,
    definition({
      services: [serviceDefinition('in', from, { to: ['out'] })],
      operations: [operationDefinition('out', to)],
    }),
  );
  await vi.waitFor(() => from.deliver(text('0')));
  for (let n = 1; n < 50; n++) await from.deliver(text(String(n)));
  await vi.waitFor(() => expect(to.sent).toHaveLength(50));
  expect(to.sent.map(({ body }) => Buffer.from(body.inline ?? []).toString())).toEqual(
    Array.from({ length: 50 }, (_, n) => String(n)),
  );
  const settled = await outcomes(running);
  expect(settled).toHaveLength(50);
  expect(settled[0]).toMatchObject({ status: 'completed', host: 'out', attempts: 1 });
});

test('a repetition with the same id and bytes is answered and not stored again', async () => {
  await using nats = await startNats();
  const from = testInbound();
  const to = testOutbound();
  await using _ = await run(
    nats,
    definition({
      services: [serviceDefinition('in', from, { to: ['out'] })],
      operations: [operationDefinition('out', to)],
    }),
  );
  const message = { ...text('same'), dedupeKey: '4711' };
  const first = await vi.waitFor(() => from.deliver(message));
  const second = await from.deliver(message);
  const other = await from.deliver({ ...message, body: Buffer.from('changed') });
  expect(first.status).toBe('stored');
  expect(second).toMatchObject({ status: 'duplicate', messageId: first.messageId });
  expect(other.status).toBe('stored');
  await vi.waitFor(() => expect(to.sent).toHaveLength(2));
});

test('a temporary error is retried and holds the line; a rejected message fails and lets the next go', async () => {
  await using nats = await startNats();
  const from = testInbound();
  let tries = 0;
  const to = testOutbound(({ body }) => {
    const value = Buffer.from(body.inline ?? []).toString();
    if (value === 'busy' && ++tries < 3) throw new TemporaryError('the peer is busy');
    if (value === 'bad') throw new RejectedError('the peer refused it');
    if (value === 'odd') throw new SuspendError('a person must look');
    return undefined;
  });
  await using running = await run(
    nats,
    definition({
      services: [serviceDefinition('in', from, { to: ['out'] })],
      operations: [operationDefinition('out', to)],
    }),
  );
  await vi.waitFor(() => from.deliver(text('busy')));
  for (const value of ['bad', 'odd', 'good']) await from.deliver(text(value));
  await vi.waitFor(() => expect(to.sent).toHaveLength(2));
  expect(to.sent.map(({ body }) => Buffer.from(body.inline ?? []).toString())).toEqual([
    'busy',
    'good',
  ]);
  await vi.waitFor(async () => {
    expect(
      (await outcomes(running)).map((one) => one.kind === 'outcome' && [one.status, one.attempts]),
    ).toEqual([
      ['completed', 3],
      ['error', 1],
      ['suspended', 1],
      ['completed', 1],
    ]);
  });
  const { names, manager } = running.engine.broker;
  expect((await manager.streams.info(names.suspended.stream)).state.messages).toBe(1);
});

test('a large stream goes through the object store and comes out byte for byte', async () => {
  await using nats = await startNats();
  const from = testInbound();
  const to = testOutbound();
  await using _ = await run(
    nats,
    definition({
      services: [serviceDefinition('in', from, { to: ['out'] })],
      operations: [operationDefinition('out', to)],
    }),
  );
  const chunk = Buffer.alloc(64 * 1024, 'x');
  async function* stream(): AsyncGenerator<Uint8Array> {
    for (let n = 0; n < 32; n++) yield chunk;
  }
  await vi.waitFor(() => from.deliver(text('small')));
  await from.deliver({ body: stream(), type: 'application/octet-stream' });
  await vi.waitFor(() => expect(to.sent).toHaveLength(2));
  const body = to.sent[1]?.body;
  expect(body?.inline).toBeUndefined();
  expect(body?.size).toBe(32 * chunk.byteLength);
  expect(
    Buffer.compare(
      (await body?.bytes()) ?? Buffer.alloc(0),
      Buffer.alloc(32 * chunk.byteLength, 'x'),
    ),
  ).toBe(0);
});

test('a service that asks for the reply gets the answer of its target', async () => {
  await using nats = await startNats();
  const from = testInbound();
  const to = testOutbound(() => ({ body: Buffer.from('fine'), type: 'text/plain', code: 'AA' }));
  await using _ = await run(
    nats,
    definition({
      services: [serviceDefinition('in', from, { to: ['out'] })],
      operations: [operationDefinition('out', to)],
    }),
  );
  const receipt = await vi.waitFor(() =>
    from.deliver(text('question'), { reply: true, timeout: 5_000 }),
  );
  expect(receipt.reply).toMatchObject({ code: 'AA' });
  expect(Buffer.from(receipt.reply?.body ?? []).toString()).toBe('fine');
});

test('what is not sent at a stop is sent after the next start', async () => {
  await using nats = await startNats();
  const from = testInbound();
  const made = (to: ReturnType<typeof testOutbound>) =>
    definition({
      services: [serviceDefinition('in', from, { to: ['out'] })],
      operations: [operationDefinition('out', to)],
      rest: {
        settings: { ...definition({ services: [], operations: [] }).settings, shutdownTimeout: 50 },
      },
    });
  const stuck = testOutbound(
    (_, signal) =>
      new Promise((__, reject) =>
        signal.addEventListener('abort', () => reject(new Error('aborted'))),
      ),
  );
  const first = await run(nats, made(stuck));
  await vi.waitFor(() => from.deliver(text('a')));
  await from.deliver(text('b'));
  await first.stop();
  const to = testOutbound();
  await using _ = await run(nats, made(to));
  await vi.waitFor(() => expect(to.sent).toHaveLength(2));
  expect(to.sent.map(({ body }) => Buffer.from(body.inline ?? []).toString())).toEqual(['a', 'b']);
});
