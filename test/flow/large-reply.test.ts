import { expect, test, vi } from 'vitest';
import { outcomeTail } from '../../src/broker/outcome-tail.ts';
import type { OutcomeRecord } from '../../src/message/record.ts';
import { given } from '../support/given.ts';

const MB = 1024 * 1024;

test('a reply that is larger than a message of NATS reaches who waits for it, is told of in the trace, and holds up no line', async () => {
  let size = 6 * MB;
  const answer = () => ({ body: Buffer.alloc(size, 'x'), type: 'text/plain', code: '200' });
  await using line = await given({ operations: { out: { answer } } });
  const question = { body: Buffer.from('q'), type: 'text/plain', dedupeKey: '1' };
  const waiting = { reply: true, timeout: 10_000 };
  const first = await line.comes(question, waiting);
  expect(Buffer.from(first.reply?.body ?? []).equals(Buffer.alloc(size, 'x'))).toBe(true);
  const again = await line.comes(question, waiting);
  expect([again.status, again.reply?.body.byteLength]).toEqual(['duplicate', size]);
  // nobody waits for this one, nor is anything wrong with the next
  await line.comes({ ...question, dedupeKey: '2' });
  await vi.waitFor(() => expect(line.sent()).toHaveLength(2));
  size = 3;
  const small = await line.comes({ ...question, dedupeKey: '3' }, waiting);
  expect(small.reply?.body.byteLength).toBe(3);
  expect(line.sent()).toHaveLength(3);

  const outcomes = await vi.waitFor(async () => {
    await line.engine.outcomes.flush();
    const found: { record: OutcomeRecord; size: number | undefined }[] = [];
    for await (const { record, body } of outcomeTail(line.engine.broker, 60_000)) {
      if (record.kind === 'outcome') found.push({ record, size: body?.byteLength });
    }
    expect(found).toHaveLength(3);
    return found;
  });
  expect(outcomes.map(({ record, size: kept }) => [record.status, record.warning, kept])).toEqual([
    ['completed', 'the reply of 6 MB is too large to be stored', undefined],
    ['completed', 'the reply of 6 MB is too large to be stored', undefined],
    ['completed', undefined, 3],
  ]);
});
