import { expect, test } from 'vitest';
import { connectBroker } from '../../src/broker/broker.ts';
import { findCutStreams } from '../../src/broker/cut-streams.ts';
import { WORKER } from '../../src/broker/names.ts';
import { writeMark } from '../../src/broker/settled-mark.ts';
import { state } from '../../src/broker/state.ts';
import { markedLater } from '../../src/broker/stored-marks.ts';
import { ensureProjector, ensureStream, ensureWorker } from '../../src/broker/streams.ts';
import { startNats } from '../support/nats.ts';

test('streams that are stored into and taken from meanwhile are not told as cut', async () => {
  await using nats = await startNats();
  const known = new Map<string, number>();
  const access = { ...nats, production: 'busy', role: 'test' } as const;
  await using broker = await connectBroker({
    ...access,
    onStored: (stream, sequence) => void known.set(stream, sequence),
  });
  await using looking = await connectBroker(access);
  const over = new AbortController();
  const work = Array.from({ length: 8 }, async (_, n) => {
    const { stream, subject } = broker.names.queue(`host-${n}`);
    await ensureStream(broker, stream, [subject], { duplicateWindow: 1_000, limit: 10_000_000 });
    await ensureWorker(broker, stream, 4);
    await ensureProjector(broker, stream);
    const consumer = await broker.jetstream.consumers.get(stream, WORKER);
    const messages = await consumer.consume({ callback: (message) => message.ack() });
    while (!over.signal.aborted) await broker.publisher.publish(subject, Buffer.from('x'));
    messages.stop();
  });
  try {
    for (let n = 0; n < 20; n++) expect(await findCutStreams(looking, known)).toEqual([]);
    expect(known.size).toBe(8);
  } finally {
    over.abort();
    await Promise.all(work);
  }
});

test('without the bucket of the marks the streams are compared all the same, and it is not made again in silence', async () => {
  await using nats = await startNats();
  await using broker = await connectBroker({ ...nats, production: 'bare', role: 'test' });
  const { stream, subject } = broker.names.queue('lab');
  await ensureStream(broker, stream, [subject], { duplicateWindow: 1_000, limit: 10_000_000 });
  await ensureWorker(broker, stream, 1);
  expect(await findCutStreams(broker, new Map())).toEqual([]);
  const bucket = `KV_${broker.names.state}`;
  await broker.manager.streams.delete(bucket);
  expect(await findCutStreams(broker, new Map([[stream, 0]]))).toEqual([]);
  await expect(broker.manager.streams.info(bucket)).rejects.toThrow('stream not found');
});

test('a state of an earlier time than an engine has written is told, and one that is gone', async () => {
  await using nats = await startNats();
  await using broker = await connectBroker({ ...nats, production: 'old', role: 'test' });
  const { kv } = await state(broker);
  const stream = `KV_${broker.names.state}`;
  const revision = await kv.put('x', '1');
  expect(await findCutStreams(broker, new Map([[stream, revision]]))).toEqual([]);
  const cut = { stream, host: undefined, to: revision + 2 };
  const marks = new Map([[stream, revision + 2]]);
  expect(await findCutStreams(broker, marks)).toEqual([{ ...cut, from: revision + 1 }]);
  await broker.manager.streams.delete(stream);
  expect(await findCutStreams(broker, marks)).toEqual([{ ...cut, from: 1, isGone: true }]);
});

test('how far the state reaches is noted once it outlasts the servers of a cluster', () => {
  const noted: number[] = [];
  let now = 0;
  const marks = { stored: (_: string, sequence: number) => void noted.push(sequence) };
  const written = markedLater('KV', marks, () => now);
  for (const [at, sequence] of [
    [0, 1],
    [1_000, 2],
    [3_000, 3],
    [3_500, 4],
    [6_000, 5],
  ] as const) {
    now = at;
    written(sequence);
  }
  expect(noted).toEqual([1, 3]);
  // after it was made anew, or put back
  for (const [at, sequence] of [
    [9_000, 2],
    [12_000, 3],
  ] as const) {
    now = at;
    written(sequence);
  }
  expect(noted).toEqual([1, 3, 2]);
});

test('a queue whose stream is removed, made again and removed again is told as lost both times', async () => {
  await using nats = await startNats();
  await using broker = await connectBroker({ ...nats, production: 'twice', role: 'test' });
  const { stream, subject } = broker.names.queue('lab');
  const lost = async (known: number) => {
    await broker.manager.streams.delete(stream);
    return findCutStreams(broker, new Map([[stream, known]]));
  };
  const made = async (): Promise<void> => {
    await ensureStream(broker, stream, [subject], { duplicateWindow: 1_000, limit: 10_000_000 });
    await ensureWorker(broker, stream, 1);
  };
  await made();
  for (let n = 1; n <= 3; n++) await broker.publisher.publish(subject, Buffer.from(`${n}`));
  const { created } = await broker.manager.streams.info(stream);
  await writeMark(broker, stream, { created, upTo: 2 });
  const cut = { stream, host: 'lab', isGone: true };
  expect(await lost(3)).toEqual([{ ...cut, from: 3, to: 3 }]);
  await made();
  expect(await lost(2)).toEqual([{ ...cut, from: 1, to: 2 }]);
});
