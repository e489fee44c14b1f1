import { expect, test, vi } from 'vitest';
import { decodeBatch } from '../../src/broker/journal-batch.ts';
import { readStream } from '../../src/broker/read-stream.ts';
import type { LegRecord } from '../../src/message/record.ts';
import { given } from '../support/given.ts';

const sending = (to: string) => [{ name: 'rules', rules: [], otherwise: [{ to, transforms: [] }] }];

test('what hosts send to each other in a circle is suspended once it was sent on as often as hopLimit says', async () => {
  await using running = await given({
    to: ['away'],
    processes: {
      away: { rules: sending('back') },
      back: { rules: sending('away'), run: 'queued' },
    },
    settings: { hopLimit: 7 },
  });
  await running.comes('a');
  await running.comes('b');
  const suspended = async () => {
    await running.engine.journal.flush();
    const { broker } = running.engine;
    const { stream } = broker.names.journal;
    const { state } = await broker.manager.streams.info(stream);
    const found: LegRecord[] = [];
    for await (const { data } of readStream(broker, stream, { from: 1, until: state.last_seq })) {
      for (const { record } of decodeBatch(data)) {
        if (record.kind === 'leg' && record.status === 'suspended') found.push(record);
      }
    }
    return found;
  };
  await vi.waitFor(async () => expect(await suspended()).toHaveLength(2), { timeout: 15_000 });
  for (const { message, error } of await suspended()) {
    expect(message.target).toBe('away');
    expect(error).toMatchObject({
      code: 'MESSAGE_LOOPS',
      text: expect.stringContaining('sent on 7 times, last back → away'),
    });
  }
  // each of the two was sent to `back` for the 1st, 3rd, 5th and 7th time
  expect((await running.outcomes()).filter(({ host }) => host === 'back')).toHaveLength(8);
});
