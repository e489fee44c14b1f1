import { setTimeout as sleep } from 'node:timers/promises';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeAnswer } from '../../src/broker/answer-codec.ts';
import { type Bodies, bodies, type StoredBody } from '../../src/broker/bodies.ts';
import { type Broker, connectBroker } from '../../src/broker/broker.ts';
import { envelopeHeaders } from '../../src/broker/envelope.ts';
import { encodeEntry, joinEntries } from '../../src/broker/journal-batch.ts';
import { type Steps, steps } from '../../src/broker/steps.ts';
import { ensureStream } from '../../src/broker/streams.ts';
import { bodySweeper } from '../../src/broker/swept-bodies.ts';
import type { Envelope } from '../../src/message/message.ts';
import type { JournalEntry } from '../../src/message/record.ts';
import { examples } from '../support/examples.ts';
import { startNats } from '../support/nats.ts';

const BODY = Buffer.from('large');
const SETTINGS = { duplicateWindow: 10_000, limit: -1 };

const envelope = (id: number): Envelope => ({
  id,
  sessionId: id,
  source: 'in',
  target: 'out',
  type: 'text/plain',
  created: 1,
  received: 1,
  size: BODY.byteLength,
});

const legOf = (id: number, bodyRef: string): JournalEntry => ({
  record: { kind: 'leg', message: envelope(id), status: 'completed', started: 1, done: 1, bodyRef },
});

interface World {
  readonly broker: Broker;
  readonly store: Bodies;
  readonly kept: Steps;
  readonly traced: Set<string>;
}

async function world(broker: Broker): Promise<World> {
  const { names } = broker;
  const queue = names.queue('out', undefined);
  await ensureStream(broker, queue.stream, [queue.subject], SETTINGS);
  await ensureStream(broker, names.suspended.stream, [names.suspended.subjects], SETTINGS);
  await ensureStream(broker, names.journal.stream, [names.journal.subject], SETTINGS);
  return { broker, store: await bodies(broker), kept: await steps(broker), traced: new Set() };
}

/** Everything that may name a large body. */
const NAMES = {
  async queue({ broker }, id, { bodyRef }) {
    const { subject } = broker.names.queue('out', undefined);
    const headers = envelopeHeaders(envelope(id), { bodyRef });
    await broker.publisher.publish(subject, Buffer.from('x'), { headers });
  },
  async 'a leg behind a queued message'({ broker }, id, { bodyRef }) {
    const { subject } = broker.names.queue('out', undefined);
    const attached = joinEntries([encodeEntry(legOf(id, bodyRef))]);
    const headers = envelopeHeaders(envelope(id), { attached: attached.byteLength });
    await broker.publisher.publish(subject, Buffer.concat([Buffer.from('x'), attached]), {
      headers,
    });
  },
  async suspended({ broker }, id, { bodyRef }) {
    const headers = envelopeHeaders(envelope(id), { bodyRef });
    await broker.publisher.publish(broker.names.suspended.subject('out'), Buffer.alloc(0), {
      headers,
    });
  },
  async waiting({ broker }, id, { bodyRef }) {
    const { stream, subjects } = broker.names.waiting;
    await ensureStream(broker, stream, [subjects], SETTINGS);
    const headers = envelopeHeaders(envelope(id), { bodyRef });
    const subject = subjects.replace('>', 'out');
    await broker.publisher.publish(subject, Buffer.alloc(0), { headers });
  },
  async journal({ broker }, id, { bodyRef }) {
    const batch = joinEntries([encodeEntry(legOf(id, bodyRef))]);
    await broker.publisher.publish(broker.names.journal.subject, batch);
  },
  async 'an answer to a call'({ broker, kept }, id, stored) {
    const answer = encodeAnswer({ reply: { type: 'x', body: BODY } }, stored);
    await broker.publisher.publish(kept.answerAddress(`${id}.0.answer`), answer);
  },
  async 'an answer to a message that may be repeated'({ broker, kept }, id, stored) {
    const answer = encodeAnswer({ reply: { type: 'x', body: BODY } }, stored);
    await broker.publisher.publish(kept.repeatedAddress(`k${id}`), answer);
  },
  async trace({ traced }, _, { bodyRef }) {
    traced.add(bodyRef);
  },
  async nothing() {
    // its engine died in between
  },
} satisfies Record<string, (world: World, id: number, stored: StoredBody) => Promise<void>>;

type Name = keyof typeof NAMES;

async function keysLeft({ manager, names }: Broker): Promise<string[]> {
  const { stream, subjects } = names.bodies;
  const { state } = await manager.streams.info(stream, { subjects_filter: subjects });
  return Object.keys(state.subjects ?? {})
    .map((subject) => subject.slice(subject.lastIndexOf('.') + 1))
    .toSorted();
}

const AGE = 200;

test('of all large bodies those go that are old and that nothing names, whatever names the others', async () => {
  await using nats = await startNats();
  let number = 0;
  const property = fc.asyncProperty(
    fc.array(
      fc.record({
        by: fc.subarray(Object.keys(NAMES) as Name[], { maxLength: 2 }),
        fresh: fc.boolean(),
      }),
      { maxLength: 12 },
    ),
    async (plan) => {
      const production = `p${number++}`;
      await using broker = await connectBroker({ ...nats, production, role: 'test' });
      const made = await world(broker);
      const put = async (fresh: boolean): Promise<void> => {
        for (const [index, { by, fresh: isFresh }] of plan.entries()) {
          if (isFresh !== fresh) continue;
          const id = index + 1;
          const stored = await made.store.put(id, [BODY]);
          for (const name of by) await NAMES[name](made, id, stored);
          // one that was taken out leaves the stream's last sequence behind
          if (by.includes('suspended') && id % 3 === 0) await suspendAndTakeOut(made);
        }
      };
      await put(false);
      await sleep(AGE + 20);
      const now = Date.now();
      await put(true);
      const isTraced = (bodyRef: string): Promise<boolean> =>
        Promise.resolve(made.traced.has(bodyRef));
      await bodySweeper(broker, { age: AGE, unused: 0 }).sweep({ now, isTraced });
      const expected = plan.flatMap(({ by, fresh }, index) =>
        fresh || by.some((name) => name !== 'nothing') ? [`b${index + 1}`] : [],
      );
      expect(await keysLeft(broker)).toEqual(expected.toSorted());
    },
  );
  await fc.assert(property, { numRuns: examples(12) });
});

async function suspendAndTakeOut({ broker }: World): Promise<void> {
  const { subject, stream } = {
    subject: broker.names.suspended.subject('out'),
    stream: broker.names.suspended.stream,
  };
  const headers = envelopeHeaders(envelope(99));
  const { sequence } = await broker.publisher.publish(subject, Buffer.alloc(0), { headers });
  await broker.manager.streams.deleteMessage(stream, sequence, false);
}

test('a body goes only once it has been of no use for a while, and one that is named again stays', async () => {
  await using nats = await startNats();
  await using broker = await connectBroker({ ...nats, production: 'twice', role: 'test' });
  const { store, traced } = await world(broker);
  const isTraced = (bodyRef: string): Promise<boolean> => Promise.resolve(traced.has(bodyRef));
  const HOUR = 3_600_000;
  const sweeper = bodySweeper(broker);
  const stored = await store.put(1, [BODY, BODY]);
  const sweep = (hours: number): Promise<number> =>
    sweeper.sweep({ now: Date.now() + hours * HOUR, isTraced });
  expect(await sweep(23)).toBe(0);
  expect(await sweep(25)).toBe(0);
  traced.add(stored.bodyRef);
  expect(await sweep(32)).toBe(0);
  traced.clear();
  expect(await sweep(33)).toBe(0);
  expect(await sweep(38)).toBe(0);
  expect(await keysLeft(broker)).toEqual(['b1']);
  expect(await sweep(40)).toBe(1);
  expect(await keysLeft(broker)).toEqual([]);
});

const away = (): Promise<boolean> => Promise.reject(new Error('away'));
const never = (): Promise<boolean> => Promise.resolve(false);

test('a trace that cannot be asked, or a stop, removes nothing', async () => {
  await using nats = await startNats();
  await using broker = await connectBroker({ ...nats, production: 'away', role: 'test' });
  const { store } = await world(broker);
  await store.put(1, [BODY]);
  const sweeper = bodySweeper(broker, { age: 0, unused: 0 });
  const now = Date.now() + 1_000;
  await expect(sweeper.sweep({ now, isTraced: away })).rejects.toThrow('away');
  const signal = AbortSignal.abort();
  await expect(sweeper.sweep({ now, isTraced: never, signal })).rejects.toThrow('aborted');
  expect(await keysLeft(broker)).toEqual(['b1']);
});
