import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { connectBroker } from '../../src/broker/broker.ts';
import { readStream } from '../../src/broker/read-stream.ts';
import { ensureStream } from '../../src/broker/streams.ts';
import { startNats } from '../support/nats.ts';

const COUNT = 5_000;

test('what a stream holds is read once, in order and to its end, also where the server is killed twice meanwhile', async () => {
  await using nats = await startNats();
  await using broker = await connectBroker({ ...nats, production: 'read', role: 'test' });
  const { stream, subject } = broker.names.queue('lab', undefined);
  await ensureStream(broker, stream, [subject], { duplicateWindow: 60_000, limit: 100_000_000 });
  const stored: Promise<unknown>[] = [];
  for (let n = 1; n <= COUNT; n++) {
    stored.push(broker.publisher.publish(subject, Buffer.from(`${n}`)));
    if (n % 500 === 0) await Promise.all(stored.splice(0));
  }

  const read: number[] = [];
  let kills = 0;
  for await (const message of readStream(broker, stream, { from: 1, until: COUNT })) {
    read.push(message.seq);
    if (message.seq === 100 || message.seq === 3_000) {
      kills += 1;
      process.kill(nats.pid ?? 0, 'SIGKILL');
      await sleep(50);
    }
  }
  expect(kills).toBe(2);
  expect(read).toEqual(Array.from({ length: COUNT }, (_, n) => n + 1));

  // a last message that is gone is not waited for
  await broker.manager.streams.deleteMessage(stream, COUNT);
  const rest: number[] = [];
  for await (const { seq } of readStream(broker, stream, { from: COUNT - 2, until: COUNT })) {
    rest.push(seq);
  }
  expect(rest).toEqual([COUNT - 2, COUNT - 1]);
  for await (const { seq } of readStream(broker, stream, { from: COUNT, until: COUNT })) {
    throw new Error(`there is no message ${seq}`);
  }
});
