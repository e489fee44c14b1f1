import { expect, test, vi } from 'vitest';
import { given } from '../support/given.ts';
import { startNats } from '../support/nats.ts';

const REPLY = { body: Buffer.alloc(40_000, 'r'), type: 'text/plain', code: 'AA', text: undefined };

test('an answer for which its target has no room shows in the status, and a stop is bounded; the message comes again', async () => {
  await using nats = await startNats();
  const of = (labOn: boolean, queueLimit: number) =>
    given({
      nats,
      settings: { queueLimit, shutdownTimeout: 1_000 },
      operations: { out: { answer: () => REPLY, answersTo: ['lab'] }, lab: { enabled: labOn } },
    });
  const first = await of(false, 60_000);
  await first.come('1', '2');
  await vi.waitFor(() =>
    expect(first.status()?.delayed?.text).toMatch(
      /cannot be settled: the queue of lab has reached/,
    ),
  );
  expect(first.sent()).toHaveLength(2);
  expect(first.status()?.detail).toBe(first.status()?.delayed?.text);
  const began = performance.now();
  await first.stop();
  expect(performance.now() - began).toBeLessThan(20_000);

  await using second = await of(true, 10_000_000);
  await vi.waitFor(() => expect(second.sent('lab')).toHaveLength(2), { timeout: 20_000 });
  expect(second.sent().at(-1)?.possibleDuplicate).toBe(true);
  expect(second.status()?.delayed).toBeUndefined();
});
