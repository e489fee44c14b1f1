import { setTimeout as sleep } from 'node:timers/promises';
import { headers } from '@nats-io/transport-node';
import { expect, test, vi } from 'vitest';
import { bodies } from '../../src/broker/bodies.ts';
import { type Broker, connectBroker } from '../../src/broker/broker.ts';
import { followStream, readStream } from '../../src/broker/read-stream.ts';
import { steps } from '../../src/broker/steps.ts';
import { ensureStream } from '../../src/broker/streams.ts';
import { bodySweeper } from '../../src/broker/swept-bodies.ts';
import { ensureWaitingRoom, waitingRoom } from '../../src/broker/waiting-room.ts';
import { startNats } from '../support/nats.ts';

type Nats = Awaited<ReturnType<typeof startNats>>;

/** The second kill meets whoever begins again after the first. */
async function killTwice(nats: Nats): Promise<void> {
  const first = nats.pid ?? 0;
  process.kill(first, 'SIGKILL');
  await vi.waitFor(() => expect(nats.pid ?? first).not.toBe(first), { timeout: 20_000 });
  await sleep(300);
  process.kill(nats.pid ?? 0, 'SIGKILL');
}

async function queueStream(broker: Broker): Promise<{ stream: string; subject: string }> {
  const queue = broker.names.queue('lab', undefined);
  await ensureStream(broker, queue.stream, [queue.subject], {
    duplicateWindow: 60_000,
    limit: 100_000_000,
  });
  return queue;
}

async function consumersOf({ manager }: Broker, stream: string): Promise<number> {
  return (await manager.streams.info(stream)).state.consumer_count;
}

test('who follows a stream learns that the server died, and an idle server is not taken for dead', async () => {
  await using nats = await startNats();
  await using broker = await connectBroker({ ...nats, production: 'follow', role: 'test' });
  const { stream, subject } = await queueStream(broker);
  await broker.publisher.publish(subject, Buffer.from('1'));
  const seen: number[] = [];
  const over = new AbortController();
  const follow = async (): Promise<void> => {
    const { signal } = over;
    for await (const { seq } of followStream(broker, stream, { from: seen.length + 1, signal })) {
      seen.push(seq);
    }
  };
  const first = follow();
  // longer than a silence may last
  await sleep(4_500);
  await broker.publisher.publish(subject, Buffer.from('2'));
  await vi.waitFor(() => expect(seen).toEqual([1, 2]), 5_000);
  const ended = first.catch((error: unknown) => error);
  await killTwice(nats);
  expect(await ended).toMatchObject({
    code: 'BROKER_UNAVAILABLE',
    retryable: true,
  });

  await vi.waitFor(() => broker.publisher.publish(subject, Buffer.from('3')), {
    timeout: 20_000,
    interval: 500,
  });
  const again = follow();
  await vi.waitFor(() => expect(seen).toContain(3), { timeout: 20_000 });
  over.abort();
  await again;
  await vi.waitFor(async () => expect(await consumersOf(broker, stream)).toBe(0), 5_000);
});

test('a reading leaves no consumer behind, whether it came to its end or was left', async () => {
  await using nats = await startNats();
  await using broker = await connectBroker({ ...nats, production: 'leave', role: 'test' });
  const { stream, subject } = await queueStream(broker);
  for (let n = 0; n < 10; n++) await broker.publisher.publish(subject, Buffer.from('x'));
  for await (const _ of readStream(broker, stream, { from: 1, until: 10 }));
  for await (const { seq } of readStream(broker, stream, { from: 1, until: 10 }))
    if (seq === 3) break;
  const over = new AbortController();
  await expect(async () => {
    const span = { from: 1, until: 10, signal: over.signal };
    for await (const { seq } of readStream(broker, stream, span))
      if (seq === 5) over.abort(new Error('enough'));
  }).rejects.toThrow('enough');
  await vi.waitFor(async () => expect(await consumersOf(broker, stream)).toBe(0), 5_000);
});

test('what waits for an answer, looks for old steps or sweeps bodies comes to its end where the server is killed twice', async () => {
  await using nats = await startNats();
  await using broker = await connectBroker({ ...nats, production: 'ends', role: 'test' });
  const known = await steps(broker);
  await ensureWaitingRoom(broker);
  await using stored = {
    ...(await bodies(broker)),
    [Symbol.asyncDispose]: async () => known.close(),
  };
  await stored.put(5, [Buffer.from('of no use')]);
  const { stream, subject } = await queueStream(broker);
  for (let n = 0; n < 2_000; n++) await broker.publisher.publish(subject, Buffer.from('x'));
  expect((await broker.manager.streams.info(stream)).state.messages).toBe(2_000);
  for (let n = 0; n < 300; n++) await known.write(`${n}.0`, { fingerprint: '', at: 0 });
  const over = new AbortController();
  const { signal } = over;

  const answer = known.answer('9.0.answer', signal);
  const sleepers = waitingRoom(broker, stored).sleepers(signal).next();
  const arrivals = (await known.arrivals(signal))[Symbol.asyncIterator]().next();
  const deaf = Promise.allSettled([sleepers, arrivals]);
  await sleep(200);
  const kills = killTwice(nats);
  const sweep = bodySweeper(broker, { age: 0, unused: 0 })
    .sweep({ now: Date.now() + 1, isTraced: async () => false })
    .catch((error: unknown) => error);
  const untouched = known.untouchedSince(Date.now()).catch((error: unknown) => error);
  await kills;
  await Promise.all([sweep, untouched]);
  expect((await deaf).map(({ status }) => status)).toEqual(['rejected', 'rejected']);

  await vi.waitFor(
    () =>
      broker.publisher.publish(known.answerAddress('9.0.answer'), Buffer.from('yes'), {
        headers: headers(),
      }),
    { timeout: 20_000, interval: 500 },
  );
  expect(Buffer.from((await answer).body).toString()).toBe('yes');
  over.abort();
});
