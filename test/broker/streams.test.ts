import { expect, test } from 'vitest';
import { connectBroker } from '../../src/broker/broker.ts';
import { ensureStream } from '../../src/broker/streams.ts';
import { startNats } from '../support/nats.ts';

const TB = 1024 ** 4;

test('a stream is made, changed where it is set otherwise, and refused with what to do where there is no room', async () => {
  await using nats = await startNats();
  await using broker = await connectBroker({ ...nats, production: 'streams', role: 'test' });
  const made = (name: string, limit: number): Promise<void> =>
    ensureStream(broker, name, [`${name}.>`], { duplicateWindow: 1_000, limit });
  await made('WB_a', TB);
  await made('WB_a', TB);
  await made('WB_a', 2 * TB);
  expect((await broker.manager.streams.info('WB_a')).config.max_bytes).toBe(2 * TB);
  // it takes more than half of the room, as one of many queues does that together have most of it
  await made('WB_a', 6 * TB);
  await made('WB_a', 6 * TB);
  await expect(made('WB_a', 20 * TB)).rejects.toThrow(
    /no space to reserve 20480 GB for the stream WB_a/,
  );
  await expect(made('WB_b', 20 * TB)).rejects.toMatchObject({
    code: 'BROKER_UNAVAILABLE',
    message: expect.stringMatching(
      /no space to reserve .* for the stream WB_b; raise max_file_store .* or lower settings\.queueLimit/,
    ),
  });
  // the subjects are taken: the server's own words
  await expect(
    ensureStream(broker, 'WB_c', ['WB_a.>'], { duplicateWindow: 1_000, limit: TB }),
  ).rejects.toThrow(/did not make the stream WB_c: subjects overlap/);
});
