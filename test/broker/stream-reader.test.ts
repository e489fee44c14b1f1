import { expect, test, vi } from 'vitest';
import { type Broker, connectBroker } from '../../src/broker/broker.ts';
import { PROJECTOR } from '../../src/broker/names.ts';
import { queueRooms } from '../../src/broker/queue-survey.ts';
import {
  allUnread,
  countOf,
  type MissingRange,
  projectorUnread,
  streamReader,
} from '../../src/broker/stream-reader.ts';
import { ensureProjector, ensureStream } from '../../src/broker/streams.ts';
import { faults } from '../support/faulty-broker.ts';
import { ownProductions } from '../support/own-production.ts';

const ownProduction = ownProductions();

async function queue(broker: Broker): Promise<{ stream: string; subject: string }> {
  const made = broker.names.queue('lab');
  const settings = { duplicateWindow: 10_000, limit: 10_000_000 };
  await ensureStream(broker, made.stream, [made.subject], settings);
  await ensureProjector(broker, made.stream);
  return made;
}

/** Reads and acknowledges for ever; the sequences that were read. */
function readAll(
  broker: Broker,
  onMissing?: (missing: MissingRange) => void,
): { read: Set<number>; close(): Promise<void> } {
  const reader = streamReader(broker, { linger: 5, onMissing });
  const read = new Set<number>();
  const run = async (): Promise<void> => {
    for (let batch = await reader.next(); batch !== undefined; batch = await reader.next()) {
      for (const { seq } of batch.messages) read.add(seq);
      batch.acknowledge();
    }
  };
  const running = run();
  return {
    read,
    async close() {
      await reader.close();
      await running;
    },
  };
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n + 1);

test('how full a queue is says the stream into which messages are stored now', async () => {
  const own = await ownProduction();
  await using broker = await connectBroker({ ...own, role: 'test' });
  const { subject } = await queue(broker);
  await broker.publisher.publish(subject, Buffer.alloc(1_000));
  expect(await queueRooms(broker)).toMatchObject([{ host: 'lab', limit: 10_000_000 }]);
  const later = broker.names.queue('lab', undefined, 1);
  const settings = { duplicateWindow: 10_000, limit: 5_000 };
  await ensureStream(broker, later.stream, [later.subject], settings);
  expect(await queueRooms(broker)).toMatchObject([{ host: 'lab', bytes: 0, limit: 5_000 }]);
});

test('what is unread is not taken for read where nobody says so', async () => {
  const own = await ownProduction();
  await using broker = await connectBroker({ ...own, role: 'test' });
  const { stream, subject } = await queue(broker);
  await broker.publisher.publish(subject, Buffer.from('1'));
  expect(await allUnread(broker)).toEqual([{ stream, unread: 1, floor: 0 }]);
  const faulty = faults(1);
  const away = faulty.on(broker);
  faulty.set({ failRequest: 100 });
  expect(countOf(await projectorUnread(away))).toBe(0);
  await expect(allUnread(away)).rejects.toMatchObject({ code: 'QUEUE_UNAVAILABLE' });
  // one whose consumer is only being made has nothing
  await broker.manager.consumers.delete(stream, PROJECTOR);
  expect(await allUnread(broker)).toEqual([]);
});

test('a delivery that is lost on its way is read all the same, though what follows it was acknowledged', async () => {
  const own = await ownProduction();
  await using broker = await connectBroker({ ...own, role: 'test' });
  await using thief = await connectBroker({ ...own, role: 'thief' });
  const { stream, subject } = await queue(broker);
  const missing: MissingRange[] = [];
  const reader = readAll(broker, (range) => missing.push(range));
  await broker.publisher.publish(subject, Buffer.from('1'));
  await vi.waitFor(() => expect([...reader.read]).toEqual([1]));

  // a request beside the reader's: the server gives it one message, which nobody reads
  const consumer = await thief.jetstream.consumers.get(stream, PROJECTOR);
  const stolen = consumer.next({ expires: 60_000 });
  await vi.waitFor(async () => {
    const { num_waiting } = await broker.manager.consumers.info(stream, PROJECTOR);
    expect(num_waiting).toBeGreaterThan(1);
  });
  for (let n = 2; n <= 20; n++) await broker.publisher.publish(subject, Buffer.from(`${n}`));
  expect((await stolen)?.seq).toBeGreaterThan(1);
  await vi.waitFor(() => expect([...reader.read].toSorted((a, b) => a - b)).toEqual(numbers(20)));
  await vi.waitFor(async () => {
    const { ack_floor } = await broker.manager.consumers.info(stream, PROJECTOR);
    expect(ack_floor.stream_seq).toBe(20);
  });
  expect(missing).toEqual([]);
  await reader.close();
});

test('what the stream lost before it was read is told, with its range; what a person took out later is not', async () => {
  await using broker = await connectBroker({ ...(await ownProduction()), role: 'test' });
  const { stream, subject } = await queue(broker);
  for (let n = 1; n <= 3; n++) await broker.publisher.publish(subject, Buffer.from(`${n}`));
  const first = readAll(broker);
  await vi.waitFor(() => expect(first.read.size).toBe(3));
  await first.close();
  for (let n = 4; n <= 12; n++) await broker.publisher.publish(subject, Buffer.from(`${n}`));
  for (const seq of [2, 6, 7, 10]) await broker.manager.streams.deleteMessage(stream, seq);

  const missing: MissingRange[] = [];
  const second = readAll(broker, (range) => missing.push(range));
  await vi.waitFor(() => expect([...second.read]).toEqual([4, 5, 8, 9, 11, 12]));
  expect(missing).toEqual([
    { stream, from: 6, to: 7 },
    { stream, from: 10, to: 10 },
  ]);
  await second.close();
});

test('what is delivered once more was read further; what is read again from before was not', async () => {
  await using broker = await connectBroker({ ...(await ownProduction()), role: 'test' });
  const { stream, subject } = await queue(broker);
  for (let n = 1; n <= 3; n++) await broker.publisher.publish(subject, Buffer.from(`${n}`));
  const reader = streamReader(broker, { linger: 5 });
  const messages = [];
  while (messages.length < 3) messages.push(...((await reader.next())?.messages ?? []));
  // as after a minute in which the database was away
  messages[0]?.nak();
  const repeated = await reader.next();
  expect(repeated?.messages.map(({ seq }) => seq)).toEqual([1]);
  const { created } = await broker.manager.streams.info(stream);
  expect(repeated?.read()).toEqual([{ id: `${stream} ${created}`, floor: 3 }]);
  reader.again();
  expect(repeated?.read()).toEqual([]);
  await reader.close();
});

test('a consumer that somebody removes is made again at once, and everything is read again', async () => {
  await using broker = await connectBroker({ ...(await ownProduction()), role: 'test' });
  const { stream, subject } = await queue(broker);
  const reader = readAll(broker);
  for (const upTo of [1, 2]) {
    await broker.publisher.publish(subject, Buffer.from(`${upTo}`));
    await vi.waitFor(() => expect(reader.read.size).toBe(upTo));
    await broker.manager.consumers.delete(stream, PROJECTOR);
  }
  await broker.publisher.publish(subject, Buffer.from('3'));
  await vi.waitFor(() => expect(reader.read.size).toBe(3));
  await reader.close();
});

test('a consumer that is removed before it is asked for the first time is made again, too', async () => {
  await using broker = await connectBroker({ ...(await ownProduction()), role: 'test' });
  const { stream, subject } = await queue(broker);
  const { consumers } = broker.jetstream;
  const get = consumers.get.bind(consumers);
  const once = vi.spyOn(consumers, 'get').mockImplementationOnce(async (...of) => {
    const consumer = await get(...of);
    await broker.manager.consumers.delete(stream, PROJECTOR);
    return consumer;
  });
  const reader = readAll(broker);
  await broker.publisher.publish(subject, Buffer.from('1'));
  await vi.waitFor(() => expect(reader.read.size).toBe(1));
  expect(once).toHaveBeenCalledTimes(2);
  await reader.close();
});
