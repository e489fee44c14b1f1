import { expect, test, vi } from 'vitest';
import { RejectedError, SuspendError, TemporaryError } from '../../src/error/adapter-error.ts';
import { given, silent, textOf } from '../support/given.ts';
import { startNats } from '../support/nats.ts';

test('an accepted message is sent once, in order, and its outcome is journaled', async () => {
  await using line = await given();
  const texts = Array.from({ length: 50 }, (_, n) => String(n));
  await line.come(...texts);
  await line.arrive(texts);
  const settled = await line.outcomes();
  expect(settled).toHaveLength(50);
  expect(settled[0]).toMatchObject({ status: 'completed', host: 'out', attempts: 1 });
});

test('a repetition with the same id and bytes is answered and not stored again', async () => {
  await using line = await given();
  const message = { body: Buffer.from('same'), type: 'text/plain', dedupeKey: '4711' };
  const first = await line.comes(message);
  const second = await line.comes(message);
  const other = await line.comes({ ...message, body: Buffer.from('changed') });
  expect(first.status).toBe('stored');
  expect(second).toMatchObject({ status: 'duplicate', messageId: first.messageId });
  expect(other.status).toBe('stored');
  await line.arrive(['same', 'changed']);
});

test('a temporary error is retried and holds the line; a rejected message fails and lets the next go', async () => {
  let tries = 0;
  await using line = await given({
    operations: {
      out: {
        answer(message) {
          const value = textOf(message);
          if (value === 'busy' && ++tries < 3) throw new TemporaryError('the peer is busy');
          if (value === 'bad') throw new RejectedError('the peer refused it');
          if (value === 'odd') throw new SuspendError('a person must look');
          return undefined;
        },
      },
    },
  });
  await line.come('busy', 'bad', 'odd', 'good');
  await line.arrive(['busy', 'good']);
  await vi.waitFor(async () => {
    expect((await line.outcomes()).map(({ status, attempts }) => [status, attempts])).toEqual([
      ['completed', 3],
      ['error', 1],
      ['suspended', 1],
      ['completed', 1],
    ]);
  });
  const { names, manager } = line.engine.broker;
  expect((await manager.streams.info(names.suspended.stream)).state.messages).toBe(1);
});

test('a large stream goes through the object store and comes out byte for byte', async () => {
  await using line = await given();
  const chunk = Buffer.alloc(64 * 1024, 'x');
  async function* stream(): AsyncGenerator<Uint8Array> {
    for (let n = 0; n < 32; n++) yield chunk;
  }
  await line.come('small', { body: stream(), type: 'application/octet-stream' });
  await vi.waitFor(() => expect(line.sent()).toHaveLength(2));
  const body = line.sent()[1]?.body;
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
  await using line = await given({
    operations: {
      out: { answer: () => ({ body: Buffer.from('fine'), type: 'text/plain', code: 'AA' }) },
    },
  });
  const { reply } = await line.comes('question', { reply: true, timeout: 5_000 });
  expect(reply).toMatchObject({ code: 'AA' });
  expect(Buffer.from(reply?.body ?? []).toString()).toBe('fine');
});

test('what is not sent at a stop is sent after the next start', async () => {
  await using nats = await startNats();
  const settings = { shutdownTimeout: 50 };
  const first = await given({ nats, settings, operations: { out: { answer: silent } } });
  await first.come('a', 'b');
  await first.stop();
  expect(first.sent()).toEqual([]);
  await using second = await given({ nats, settings });
  await second.arrive(['a', 'b']);
});
