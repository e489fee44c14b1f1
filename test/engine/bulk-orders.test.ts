import * as fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { orders } from '../../src/broker/orders.ts';
import type { BulkOrder } from '../../src/control/orders.ts';
import { bulkOrders } from '../../src/engine/bulk-orders.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { resendOnce } from '../../src/engine/single-orders.ts';
import { EngineError } from '../../src/error/engine-error.ts';
import { envelopeOf } from '../../src/message/envelope.ts';
import type { Message } from '../../src/message/message.ts';
import { examples } from '../support/examples.ts';
import { given, silent, textOf } from '../support/given.ts';

/** Orders to resend these, named by their number. */
function resends(messages: readonly Message[], job: string, suspended = false) {
  const bodies = messages.map((one) => Buffer.from(textOf(one)));
  const listed: BulkOrder[] = messages.map((message, n) => ({
    act: 'resend',
    order: `${job}-${n}`,
    bytes: bodies[n]?.byteLength ?? 0,
    message: envelopeOf(message),
    suspended,
    by: 'ann',
    reason: 'lost',
  }));
  return [{ orders: listed }, Buffer.concat(bodies)] as const;
}

/** The engine, with orders that wait for others only shortly. */
const hasty = (engine: Engine): Engine =>
  Object.create(engine, {
    orders: { value: orders(engine.broker, { patience: 300 }) },
  }) as Engine;

/** An engine that dies before it records what it has done. */
function dying(engine: Engine): Engine {
  const kept = orders(engine.broker, { patience: 300 });
  const value: Engine['orders'] = {
    ...kept,
    batch: async () => ({ ...(await kept.batch()), end: async () => undefined }),
  };
  return Object.create(engine, { orders: { value } }) as Engine;
}

/** A peer that refuses what comes, until it accepts. */
function refusing() {
  const refused: Message[] = [];
  let isRefusing = true;
  return {
    refused,
    refuses(now: boolean) {
      isRefusing = now;
    },
    answer(message: Message): undefined {
      if (!isRefusing) return;
      refused.push(message);
      throw new EngineError('ADAPTER_SUSPEND', 'no');
    },
  };
}

/** Where an engine is when it is killed, or stands still until all others have acted. */
const FATES = [
  'before the claim',
  'after the claim',
  'before the receipt',
  'stands still',
] as const;
type Fate = (typeof FATES)[number];

/** An engine with one of these fates. */
function fated(engine: Engine, fate: Fate, goesOn: Promise<void>): Engine {
  const kept = orders(engine.broker, { patience: 300 });
  const killed = new Error('killed');
  const value: Engine['orders'] = {
    async batch() {
      const batch = await kept.batch();
      return {
        ...batch,
        async once(order, { begin, run }) {
          if (fate === 'before the claim') throw killed;
          return batch.once(order, {
            begin,
            async run(before, hold) {
              if (fate === 'after the claim') throw killed;
              if (fate === 'stands still') await goesOn;
              const result = await run(before, hold);
              if (fate === 'before the receipt') throw killed;
              return result;
            },
          });
        },
        end: () => (fate === 'stands still' ? batch.end() : Promise.resolve()),
      };
    },
  };
  return Object.create(engine, { orders: { value } }) as Engine;
}

const CAME = Array.from({ length: 30 }, (_, n) => `m${n}`);

test('many orders are stored in their order, and once, however often they come and whoever dies', async () => {
  await using line = await given();
  await line.come(...CAME);
  await line.arrive(CAME);
  const { engine, director } = line;
  const request = resends(line.sent(), 'job-1');
  const first = await bulkOrders(dying(engine), director)(...request);
  await line.arrive([...CAME, ...CAME]);
  expect(first).toHaveLength(CAME.length);
  // what the dead engine has stored is found in the queue
  const carryOut = bulkOrders(hasty(engine), director);
  expect(await carryOut(...request)).toEqual(first);
  expect(await carryOut(...request)).toEqual(first);
  await line.come('after');
  await line.arrive([...CAME, ...CAME, 'after']);
});

test('an order that a dead engine carried out is found, although the trace says by now that its message is dealt with', async () => {
  const moody = refusing();
  await using line = await given({ operations: { out: moody } });
  await line.come('one', 'two');
  await vi.waitFor(async () => expect(await line.outcomes()).toHaveLength(2));
  moody.refuses(false);
  const { engine, director } = line;
  const messages = moody.refused;
  const first = await bulkOrders(dying(engine), director)(...resends(messages, 'job', true));
  await line.arrive(['one', 'two']);
  expect(await bulkOrders(hasty(engine), director)(...resends(messages, 'job', false))).toEqual(
    first,
  );
  await line.come('after');
  await line.arrive(['one', 'two', 'after']);
});

test('whatever happens to the engines that take an order up, it is carried out once and its result is told', async () => {
  const moody = refusing();
  await using line = await given({ operations: { out: moody } });
  const { engine, director } = line;
  const expected: string[] = [];
  let round = 0;
  const tried = async (fates: readonly Fate[], isSuspended: boolean, isSingle: boolean) => {
    const texts = isSingle ? [`${++round}`] : [`${++round}a`, `${round}b`, `${round}c`];
    moody.refuses(isSuspended);
    await line.come(...texts);
    const came = () => (isSuspended ? moody.refused : line.sent());
    await vi.waitFor(() => expect(came().slice(-texts.length).map(textOf)).toEqual(texts));
    if (!isSuspended) expected.push(...texts);
    moody.refuses(false);
    const messages = came().slice(-texts.length);
    const request = resends(messages, `round-${round}`, isSuspended);
    const act = async (by: Engine) => {
      if (!isSingle) return bulkOrders(by, director)(...request);
      const [order] = request[0].orders;
      if (order?.act !== 'resend') throw new Error('it is a resend');
      return resendOnce({ engine: by, director }, order, request[1]).then(
        (sent) => [{ sent }],
        (error: unknown) => [{ error }],
      );
    };
    const others = Promise.withResolvers<void>();
    const late: Promise<unknown>[] = [];
    for (const fate of fates) {
      const acting = act(fated(engine, fate, others.promise));
      if (fate === 'stands still') late.push(acting);
      else await acting;
    }
    const results = await act(hasty(engine));
    expected.push(...texts);
    expect(results.map((one) => 'sent' in one)).toEqual(texts.map(() => true));
    others.resolve();
    await Promise.all(late);
    expect(await act(hasty(engine))).toEqual(results);
    await line.arrive(expected);
  };
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...FATES), { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      fc.boolean(),
      tried,
    ),
    { numRuns: examples(8) },
  );
  const { state } = await engine.broker.manager.streams.info(engine.broker.names.suspended.stream);
  expect(state.messages).toBe(0);
});

test('of two jobs over the same suspended messages each message is dealt with by one', async () => {
  const moody = refusing();
  await using line = await given({ operations: { out: moody } });
  await line.come(...CAME);
  await vi.waitFor(async () => expect(await line.outcomes()).toHaveLength(CAME.length));
  moody.refuses(false);
  const { engine, director } = line;
  const messages = moody.refused;
  const carryOut = bulkOrders(hasty(engine), director);
  const answers = await Promise.all(
    ['one', 'two'].map((job) => carryOut(...resends(messages, job, true))),
  );
  for (const n of CAME.keys()) {
    const ends = answers.map((results) => results[n]);
    expect(ends.filter((end) => end !== undefined && 'sent' in end)).toHaveLength(1);
    expect(ends).toContainEqual({ failure: expect.objectContaining({ code: 'NOT_FOUND' }) });
  }
  await vi.waitFor(() => expect(line.arrived().toSorted()).toEqual(CAME.toSorted()));
  // given again, the orders know what became of them
  const again = await carryOut(...resends(messages, 'one', true));
  expect(again.filter((end) => 'sent' in end)).toEqual(answers[0]?.filter((end) => 'sent' in end));
  const left = await engine.broker.manager.streams.info(engine.broker.names.suspended.stream);
  expect(left.state.messages).toBe(0);
});

test('what a full queue refuses is untouched, and nothing behind it is stored', async () => {
  await using line = await given({
    operations: { out: {}, full: { answer: silent } },
    settings: { queueLimit: 20_000 },
  });
  await line.come(...CAME);
  await line.arrive(CAME);
  const { engine, director } = line;
  const [request, body] = resends(line.sent(), 'job-2');
  const wide = Buffer.from('x'.repeat(2_000));
  const large = request.orders.map((order) => ({ ...order, to: 'full', bytes: wide.byteLength }));
  expect(body.byteLength).toBeGreaterThan(0);
  const results = await bulkOrders(hasty(engine), director)(
    { orders: large },
    Buffer.concat(large.map(() => wide)),
  );
  const stored = results.filter((one) => 'sent' in one).length;
  expect(stored).toBeGreaterThan(0);
  expect(stored).toBeLessThan(CAME.length);
  expect(results.slice(0, stored).every((one) => 'sent' in one)).toBe(true);
  for (const one of results.slice(stored))
    expect(one).toEqual({ failure: expect.objectContaining({ retryable: true, untouched: true }) });
});
