import { expect, test, vi } from 'vitest';
import { definition, operationDefinition, serviceDefinition } from '../support/definition.ts';
import { testInbound, testOutbound } from '../support/loopback-adapter.ts';
import { startNats } from '../support/nats.ts';
import { run } from '../support/running.ts';

const REPLY = { body: Buffer.alloc(40_000, 'r'), type: 'text/plain', code: 'AA', text: undefined };

test('an answer for which its target has no room shows in the status, and a stop is bounded; the message comes again', async () => {
  await using nats = await startNats();
  const into = testInbound();
  const out = testOutbound(() => REPLY);
  const lab = testOutbound();
  const of = (labOn: boolean, queueLimit: number) => {
    const made = definition({
      services: [serviceDefinition('in', into, { to: ['out'] })],
      operations: [
        operationDefinition('out', out, { answersTo: ['lab'] }),
        operationDefinition('lab', lab, { enabled: labOn }),
      ],
    });
    return { ...made, settings: { ...made.settings, queueLimit, shutdownTimeout: 1_000 } };
  };
  const first = await run(nats, of(false, 60_000));
  const status = () => first.director.statuses().find(({ host }) => host === 'out');
  for (const n of [1, 2]) await into.deliver({ type: 'text/plain', body: Buffer.from(`${n}`) });
  await vi.waitFor(
    () =>
      expect(status()?.delayed?.text).toMatch(/cannot be settled: the queue of lab has reached/),
    { timeout: 10_000 },
  );
  expect(out.sent).toHaveLength(2);
  expect(status()?.detail).toBe(status()?.delayed?.text);
  const began = performance.now();
  await first.stop();
  expect(performance.now() - began).toBeLessThan(4_000);

  await using second = await run(nats, of(true, 10_000_000));
  await vi.waitFor(() => expect(lab.sent).toHaveLength(2), { timeout: 20_000 });
  expect(out.sent.at(-1)?.possibleDuplicate).toBe(true);
  expect(second.director.statuses().find(({ host }) => host === 'out')?.delayed).toBeUndefined();
}, 60_000);
