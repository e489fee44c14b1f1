import { expect, test, vi } from 'vitest';
import {
  definition,
  operationDefinition,
  processDefinition,
  serviceDefinition,
} from '../support/definition.ts';
import { testInbound, testOutbound } from '../support/loopback-adapter.ts';
import { startNats } from '../support/nats.ts';
import { run } from '../support/running.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { traced } from '../support/traced.ts';

const message = { body: Buffer.from('part 1'), type: 'text/plain', dedupeKey: 'file.txt#1' };

function production(from: ReturnType<typeof testInbound>) {
  return definition({
    services: [serviceDefinition('in', from, { to: ['router'] })],
    processes: [
      processDefinition('router', {
        rules: [{ name: 'rules', rules: [], otherwise: [{ to: 'out', transforms: [] }] }],
      }),
    ],
    operations: [operationDefinition('out', testOutbound())],
  });
}

test('a message that is offered again before its first acceptance is known is one, and no repetition', async () => {
  await using nats = await startNats();
  await using folder = await temporaryFolder('repetition');
  const from = testInbound();
  await using _ = await run(nats, production(from));
  await using trace = await traced(nats, { folder: folder.path, production: 'test' });
  const [first, again] = await vi.waitFor(() =>
    Promise.all([from.deliver(message), from.deliver(message)]),
  );
  expect([again?.status, again?.messageId]).toEqual(['stored', first?.messageId]);
  await vi.waitFor(async () => {
    const session = await trace.store.session(first?.sessionId ?? 0);
    expect(session?.messages.map(({ target, status }) => [target, status])).toEqual([
      ['router', 'completed'],
      ['out', 'completed'],
    ]);
    expect(session?.past).toEqual([]);
  });
});

test('a repetition that an engine of before has stored says which message it repeats', async () => {
  await using nats = await startNats();
  await using folder = await temporaryFolder('repetition');
  await using trace = await traced(nats, { folder: folder.path, production: 'test' });
  const [before, after] = [testInbound(), testInbound()];
  const running = await run(nats, production(before));
  const first = await vi.waitFor(() => before.deliver(message));
  await running[Symbol.asyncDispose]();
  await using _ = await run(nats, production(after));
  const again = await vi.waitFor(() => after.deliver(message));
  expect(again.status).toBe('duplicate');
  await vi.waitFor(async () => {
    expect(await trace.store.message(again.messageId)).toMatchObject({
      status: 'discarded',
      duplicateOf: first.sessionId,
    });
  });
});
