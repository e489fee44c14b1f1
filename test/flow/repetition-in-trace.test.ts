import { expect, test, vi } from 'vitest';
import { given } from '../support/given.ts';
import { startNats } from '../support/nats.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { traced } from '../support/traced.ts';

const message = { body: Buffer.from('part 1'), type: 'text/plain', dedupeKey: 'file.txt#1' };

const THROUGH_A_ROUTER = {
  to: ['router'],
  processes: {
    router: { rules: [{ name: 'rules', rules: [], otherwise: [{ to: 'out', transforms: [] }] }] },
  },
};

test('a message that is offered again before its first acceptance is known is one, and no repetition', async () => {
  await using nats = await startNats();
  await using folder = await temporaryFolder('repetition');
  await using line = await given({ nats, ...THROUGH_A_ROUTER });
  await using trace = await traced(nats, { folder: folder.path, production: 'test' });
  const [first, again] = await Promise.all([line.comes(message), line.comes(message)]);
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
  const before = await given({ nats, ...THROUGH_A_ROUTER });
  const first = await before.comes(message);
  await before.stop();
  await using after = await given({ nats, ...THROUGH_A_ROUTER });
  const again = await after.comes(message);
  expect(again.status).toBe('duplicate');
  await vi.waitFor(async () => {
    expect(await trace.store.message(again.messageId)).toMatchObject({
      status: 'discarded',
      duplicateOf: first.sessionId,
    });
  });
});
