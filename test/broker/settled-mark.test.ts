import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AckPolicy, DeliverPolicy } from '@nats-io/jetstream';
import { expect, test, vi } from 'vitest';
import { bodies } from '../../src/broker/bodies.ts';
import { type Broker, connectBroker } from '../../src/broker/broker.ts';
import { queueState } from '../../src/broker/consumer-lag.ts';
import { findCutStreams } from '../../src/broker/cut-streams.ts';
import { janitorPass, startJanitor } from '../../src/broker/janitor.ts';
import { leases } from '../../src/broker/lease.ts';
import { lineFeed } from '../../src/broker/line-feed.ts';
import { PROJECTOR, WORKER } from '../../src/broker/names.ts';
import { state as openState } from '../../src/broker/state.ts';
import {
  ensureProjector,
  ensureStream,
  ensureWorker,
  takeOverLine,
} from '../../src/broker/streams.ts';
import { dropFile } from '../support/drop-file.ts';
import { startNats } from '../support/nats.ts';
import { natsPeer } from '../support/nats-peer.ts';
import { ownProductions } from '../support/own-production.ts';

const ownProduction = ownProductions();

/** A queue with ten messages, of which the first `settled` are. */
async function queueWith(
  broker: Broker,
  host: string,
  settled: number,
  duplicateWindow = 1_000,
): Promise<string> {
  const { stream, subject } = broker.names.queue(host);
  await ensureStream(broker, stream, [subject], { duplicateWindow, limit: 1_000_000 });
  await ensureWorker(broker, stream, 4);
  await ensureProjector(broker, stream);
  for (let n = 1; n <= 10; n++) await broker.publisher.publish(subject, Buffer.from(`${n}`));
  await take(broker, stream, WORKER, settled);
  await take(broker, stream, PROJECTOR, 10);
  return stream;
}

async function take(
  broker: Broker,
  stream: string,
  name: string,
  count: number,
): Promise<number[]> {
  const taken: number[] = [];
  const consumer = await broker.jetstream.consumers.get(stream, name);
  for (let empty = 0; taken.length < count; ) {
    const message = await consumer.next({ expires: 1_000 });
    if (message === null) {
      if (++empty === PATIENCE) throw new Error(`only ${taken.length} came`);
      continue;
    }
    taken.push(message.seq);
    await message.ackAck();
  }
  return taken;
}

/** Seconds without a message after which there is none. */
const PATIENCE = 20;

/** What is left in a stream once the janitor has seen twice what may go. */
async function tidied(broker: Broker, stream: string) {
  const kept: (string | undefined)[] = [];
  const pass = janitorPass({ broker, margin: 0, onKept: (_, why) => kept.push(why) });
  await pass();
  await pass();
  const { state } = await broker.manager.streams.info(stream);
  return { first: state.first_seq, messages: state.messages, kept };
}

test('only what worker and projector are done with is removed; without either of them nothing is', async () => {
  await using broker = await connectBroker({ ...(await ownProduction()), role: 'test' });
  const usual = await queueWith(broker, 'usual', 4);
  expect(await tidied(broker, usual)).toEqual({ first: 5, messages: 6, kept: [] });

  const noWorker = await queueWith(broker, 'no-worker', 4);
  await broker.manager.consumers.delete(noWorker, WORKER);
  expect(await tidied(broker, noWorker)).toEqual({
    first: 1,
    messages: 10,
    kept: [expect.stringMatching(/no consumer named worker/)],
  });
  expect(await queueState(broker, noWorker)).toMatchObject({ depth: 10 });
  await broker.manager.streams.delete(noWorker);

  const noProjector = await queueWith(broker, 'no-projector', 4);
  await broker.manager.consumers.delete(noProjector, PROJECTOR);
  expect(await tidied(broker, noProjector)).toMatchObject({ messages: 10 });
  // what is settled is written down all the same: a worker that is made again begins there
  await broker.manager.consumers.delete(noProjector, WORKER);
  await ensureWorker(broker, noProjector, 4);
  const { config } = await broker.manager.consumers.info(noProjector, WORKER);
  expect(config.opt_start_seq).toBe(5);
  await broker.manager.streams.delete(noProjector);
});

test('where there is little room what was settled seconds ago goes, unless it may be repeated; a worker that is made again is not told of', async () => {
  await using nats = await startNats();
  await using broker = await connectBroker({ ...nats, production: 'tight', role: 'test' });
  const stream = await queueWith(broker, 'ward', 4);
  const repeated = await queueWith(broker, 'lab', 4, 600_000);
  const kept: (string | undefined)[] = [];
  let isTight = false;
  const pass = janitorPass({
    broker,
    isTight: () => isTight,
    onKept: (_, why) => kept.push(why),
  });
  const left = async (of = stream) => (await broker.manager.streams.info(of)).state.messages;
  const began = performance.now();
  const clock = vi.spyOn(performance, 'now');
  try {
    expect(await pass()).toBe(false);
    clock.mockImplementation(() => began + 20_000);
    expect([await pass(), await left()]).toEqual([false, 10]);
    isTight = true;
    expect([await pass(), await left()]).toEqual([true, 6]);
    // nats-server, started again, would not know its key
    expect(await left(repeated)).toBe(10);
    clock.mockImplementation(() => began + 302_000);
    expect([await pass(), await left(repeated)]).toEqual([true, 6]);
  } finally {
    clock.mockRestore();
  }
  await broker.manager.consumers.delete(stream, WORKER);
  await pass();
  await ensureWorker(broker, stream, 4);
  await pass();
  expect(kept).toEqual([]);
});

test('an engine that begins where there is little room removes at once what was stored long before', async () => {
  await using broker = await connectBroker({ ...(await ownProduction()), role: 'test' });
  const stream = await queueWith(broker, 'ward', 8, 600_000);
  await broker.manager.streams.deleteMessage(stream, 5);
  const { manager } = broker;
  const storedAt = async (seq: number): Promise<number> =>
    (await manager.streams.getMessage(stream, { seq }))?.time.getTime() ?? 0;
  const before = await storedAt(6);
  const [seventh, eighth] = [await storedAt(7), await storedAt(8)];
  /** NATS as if the sixth message were just five minutes old. */
  const later = Object.create(manager.streams, {
    info: {
      value: async (name: string) => {
        const info = await manager.streams.info(name);
        return { ...info, ts: new Date(before + 300_000).toISOString() };
      },
    },
  }) as typeof manager.streams;
  const pass = janitorPass({
    broker: { ...broker, manager: Object.create(manager, { streams: { value: later } }) },
    isTight: () => true,
    onKept: () => undefined,
  });
  const began = performance.now();
  const clock = vi.spyOn(performance, 'now');
  try {
    await pass();
    clock.mockImplementation(() => began + 16_000);
    await pass();
  } finally {
    clock.mockRestore();
  }
  const { first_seq } = (await manager.streams.info(stream)).state;
  // two may be of the same millisecond
  expect(first_seq).toBe(7 + [seventh, eighth].filter((time) => time === before).length);
});

test('a worker that others made says nothing of what is settled, and is made anew where it was', async () => {
  await using broker = await connectBroker({ ...(await ownProduction()), role: 'test' });
  const stream = await queueWith(broker, 'lab', 4);
  const { manager } = broker;
  await janitorPass({ broker, onKept: () => undefined })();
  const odd = [
    { deliver_policy: DeliverPolicy.New, ack_policy: AckPolicy.Explicit },
    { deliver_policy: DeliverPolicy.All, ack_policy: AckPolicy.None },
    {
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: 9,
      ack_policy: AckPolicy.Explicit,
    },
  ];
  for (const config of odd) {
    await manager.consumers.delete(stream, WORKER);
    await manager.consumers.add(stream, { durable_name: WORKER, ...config });
    expect(await tidied(broker, stream)).toEqual({
      first: 1,
      messages: 10,
      kept: [expect.stringMatching(/was not made by an engine/)],
    });
    expect(await ensureWorker(broker, stream, 4)).toBe(10);
    expect(await queueState(broker, stream)).toMatchObject({ depth: 6 });
  }
  expect(await take(broker, stream, WORKER, 6)).toEqual([5, 6, 7, 8, 9, 10]);
  expect(await queueState(broker, stream)).toMatchObject({ depth: 0 });
});

test('what was seen of a stream that was removed and made again says nothing of the new one', async () => {
  await using broker = await connectBroker({ ...(await ownProduction()), role: 'test' });
  const stream = await queueWith(broker, 'lab', 10);
  const pass = janitorPass({ broker, margin: 0, onKept: () => undefined });
  await pass();
  await broker.manager.streams.delete(stream);
  await queueWith(broker, 'lab', 2);
  await pass();
  await pass();
  expect((await broker.manager.streams.info(stream)).state.first_seq).toBe(3);
  await broker.manager.consumers.delete(stream, WORKER);
  await broker.manager.streams.delete(stream);
  await queueWith(broker, 'lab', 0);
  expect(await queueState(broker, stream)).toMatchObject({ depth: 10 });
});

/** A broker with whose help something is stored between the look at a stream and its cleaning, and what is purged then. */
function storing(broker: Broker, store: () => Promise<unknown>) {
  const { manager } = broker;
  const purged: (number | undefined)[] = [];
  const consumers = Object.create(manager.consumers, {
    list: {
      value: async function* (stream: string) {
        await store();
        yield* manager.consumers.list(stream);
      },
    },
  }) as Broker['manager']['consumers'];
  const streams = Object.create(manager.streams, {
    purge: {
      value: async (stream: string, options: { readonly seq: number }) => {
        purged.push(options.seq);
        return manager.streams.purge(stream, options);
      },
    },
  }) as Broker['manager']['streams'];
  const of = { consumers: { value: consumers }, streams: { value: streams } };
  return {
    purged,
    broker: { ...broker, manager: Object.create(manager, of) as Broker['manager'] },
  };
}

test.for([0, 1, 2, 10])(
  'of %i settled messages all are removed, and what is stored meanwhile stays',
  async (count) => {
    await using broker = await connectBroker({ ...(await ownProduction()), role: 'test' });
    const { stream, subject } = broker.names.queue('lab');
    await ensureStream(broker, stream, [subject], { duplicateWindow: 1_000, limit: 1_000_000 });
    await ensureWorker(broker, stream, 4);
    await ensureProjector(broker, stream);
    for (let n = 1; n <= count; n++) await broker.publisher.publish(subject, Buffer.from(`${n}`));
    for (const name of [WORKER, PROJECTOR]) await take(broker, stream, name, count);
    const given = storing(broker, () => broker.publisher.publish(subject, Buffer.from('new')));
    await janitorPass({ broker: given.broker, margin: 0, onKept: () => undefined })();
    expect((await broker.manager.streams.info(stream)).state).toMatchObject({
      first_seq: count + 1,
      last_seq: count + 1,
      messages: 1,
    });
    // never to behind the last message that is known: what is stored as the server does it would go too
    expect(given.purged).toEqual(count < 2 ? [] : [count]);
    // somebody else has removed the last one already
    await take(broker, stream, WORKER, 1);
    await take(broker, stream, PROJECTOR, 1);
    const remove = storing(broker, () =>
      broker.manager.streams.deleteMessage(stream, count + 1, false),
    );
    await janitorPass({ broker: remove.broker, margin: 0, onKept: () => undefined })();
    expect((await broker.manager.streams.info(stream)).state.messages).toBe(0);
  },
);

type Nats = Awaited<ReturnType<typeof startNats>>;

/** Where nats-server has written the state of a worker. */
function stateOf(nats: Nats, stream: string): Promise<string> {
  return vi.waitFor(async () => {
    const files = await readdir(nats.data, { recursive: true });
    const file = files.find((name) => name.endsWith(`${stream}/obs/${WORKER}/o.dat`));
    if (file === undefined) throw new Error('the state was not written yet');
    return join(nats.data, file);
  });
}

/** Kills nats-server as it writes the state of a worker over the one before, and waits for the next one. */
async function killWhileItWrites(
  nats: Nats,
  stream: string,
  left = Buffer.alloc(0),
): Promise<void> {
  const state = await stateOf(nats, stream);
  const pid = nats.pid ?? 0;
  process.kill(pid, 'SIGSTOP');
  await dropFile(state, left);
  process.kill(pid, 'SIGKILL');
  await vi.waitFor(() => {
    if (nats.pid === undefined || nats.pid === pid) throw new Error('it was not started again yet');
  });
}

test('a worker of which nats-server lost the state goes on where the queue is known to be settled', async () => {
  await using nats = await startNats();
  await using broker = await connectBroker({ ...nats, production: 'torn', role: 'test' });
  const streams: string[] = [];
  for (const host of ['at-start', 'line', 'at-reconnect']) {
    const stream = await queueWith(broker, host, 6);
    // the state is written once it has changed a while
    await vi.waitFor(async () => expect((await queueState(broker, stream)).depth).toBe(4));
    streams.push(stream);
  }
  await janitorPass({ broker, onKept: () => undefined })();
  const [atStart = '', line = '', atReconnect = ''] = streams;
  const floors = async () =>
    Promise.all(
      streams.map(
        async (stream) =>
          (await broker.manager.consumers.info(stream, WORKER)).ack_floor.stream_seq,
      ),
    );
  for (const stream of streams) {
    await killWhileItWrites(nats, stream);
    await vi.waitFor(floors, { timeout: 15_000 });
  }
  expect(await floors()).toEqual([0, 0, 0]);
  // a janitor that comes by first takes nothing back
  await janitorPass({ broker, onKept: () => undefined })();

  expect(await ensureWorker(broker, atStart, 4)).toBe(10);
  await takeOverLine(broker, line);
  await findCutStreams(broker, new Map());
  for (const stream of [atStart, line, atReconnect]) {
    expect(await take(broker, stream, WORKER, 4)).toEqual([7, 8, 9, 10]);
  }
});

test('a worker for which nats-server has the state of the one before it goes on where it began', async () => {
  await using nats = await startNats();
  await using broker = await connectBroker({ ...nats, production: 'stale', role: 'test' });
  const streams: string[] = [];
  for (const host of ['line', 'at-reconnect', 'fed']) {
    const stream = await queueWith(broker, host, 3);
    await vi.waitFor(async () => expect((await queueState(broker, stream)).depth).toBe(7));
    const earlier = await vi.waitFor(async () => {
      const state = await readFile(await stateOf(nats, stream));
      expect(state.byteLength).toBeGreaterThan(0);
      return state;
    });
    await take(broker, stream, WORKER, 3);
    // what an engine had in hand when it was killed
    await (await broker.jetstream.consumers.get(stream, WORKER)).next();
    await takeOverLine(broker, stream);
    const made = await broker.manager.consumers.info(stream, WORKER);
    expect(made).toMatchObject({ config: { opt_start_seq: 7 }, delivered: { stream_seq: 6 } });
    await killWhileItWrites(nats, stream, earlier);
    await vi.waitFor(
      async () => {
        const { delivered } = await broker.manager.consumers.info(stream, WORKER);
        expect(delivered.stream_seq).toBeLessThan(6);
      },
      { timeout: 15_000 },
    );
    streams.push(stream);
  }
  const [line = '', atReconnect = '', fed = ''] = streams;
  const taken: number[] = [];
  const feed = await lineFeed({
    broker,
    bodies: await bodies(broker),
    stream: fed,
    take: (one) => taken.push(one.sequence),
    failed: (error) => {
      throw error;
    },
  });
  await feed.closed();
  expect(taken).toEqual([]);
  await takeOverLine(broker, fed);
  await takeOverLine(broker, line);
  await findCutStreams(broker, new Map());
  for (const stream of [line, atReconnect, fed]) {
    expect(await take(broker, stream, WORKER, 4)).toEqual([7, 8, 9, 10]);
  }
});

test('what is settled goes without a lease where NATS is so full that nobody gets one', async () => {
  const account =
    'accounts { W { jetstream { max_file: 2MB }, users [{ user: w, password: w }] } }';
  await using nats = await natsPeer({ lines: [account], as: { user: 'w', pass: 'w' } });
  const url = `nats://127.0.0.1:${nats.port}`;
  const way = { url, user: 'w', password: 'w', production: 'full', role: 'test' };
  await using broker = await connectBroker(way);
  const stream = await queueWith(broker, 'lab', 10);
  const { kv } = await openState(broker);
  await ensureStream(broker, 'OTHERS', ['others'], { duplicateWindow: 1_000, limit: -1 });
  for (const size of [100_000, 1_000, 1]) {
    const publish = () => broker.jetstream.publish('others', Buffer.alloc(size));
    for (let isFull = false; !isFull; )
      isFull = await publish().then(
        () => false,
        () => true,
      );
  }
  await expect(kv.put('one', 'more')).rejects.toThrow(/resource limits exceeded for account/);
  const janitor = startJanitor(
    { broker, margin: 0, onKept: () => undefined },
    leases(kv, 'engine'),
  );
  await vi.waitFor(async () =>
    expect((await broker.manager.streams.info(stream)).state.messages).toBe(0),
  );
  await janitor.close();
});
