import { expect, test, vi } from 'vitest';
import { outcomeTail } from '../../src/broker/outcome-tail.ts';
import type { OutcomeRecord } from '../../src/message/record.ts';
import { definition, operationDefinition, serviceDefinition } from '../support/definition.ts';
import { testInbound, testOutbound } from '../support/loopback-adapter.ts';
import { startNats } from '../support/nats.ts';
import { run } from '../support/running.ts';

const MB = 1024 * 1024;

test('a reply that is larger than a message of NATS reaches who waits for it, is told of in the trace, and holds up no line', async () => {
  await using nats = await startNats();
  const from = testInbound();
  let size = 6 * MB;
  const to = testOutbound(() => ({
    body: Buffer.alloc(size, 'x'),
    type: 'text/plain',
    code: '200',
  }));
  await using running = await run(
    nats,
    definition({
      services: [serviceDefinition('in', from, { to: ['out'] })],
      operations: [operationDefinition('out', to)],
    }),
  );
  const question = { body: Buffer.from('q'), type: 'text/plain', dedupeKey: '1' };
  const waiting = { reply: true, timeout: 10_000 };
  const first = await vi.waitFor(() => from.deliver(question, waiting));
  expect(Buffer.from(first.reply?.body ?? []).equals(Buffer.alloc(size, 'x'))).toBe(true);
  const again = await from.deliver(question, waiting);
  expect([again.status, again.reply?.body.byteLength]).toEqual(['duplicate', size]);
  // nobody waits for this one, nor is anything wrong with the next
  await from.deliver({ ...question, dedupeKey: '2' });
  await vi.waitFor(() => expect(to.sent).toHaveLength(2));
  size = 3;
  const small = await from.deliver({ ...question, dedupeKey: '3' }, waiting);
  expect(small.reply?.body.byteLength).toBe(3);
  expect(to.sent).toHaveLength(3);

  const outcomes = await vi.waitFor(async () => {
    await running.engine.outcomes.flush();
    const found: { record: OutcomeRecord; size: number | undefined }[] = [];
    for await (const { record, body } of outcomeTail(running.engine.broker, 60_000)) {
      if (record.kind === 'outcome') found.push({ record, size: body?.byteLength });
    }
    expect(found).toHaveLength(3);
    return found;
  });
  expect(outcomes.map(({ record, size: kept }) => [record.status, record.warning, kept])).toEqual([
    ['completed', 'the reply of 6 MB is too large to be kept', undefined],
    ['completed', 'the reply of 6 MB is too large to be kept', undefined],
    ['completed', undefined, 3],
  ]);
}, 40_000);
