import { askedTogether } from '../broker/asked-together.ts';
import { isAway } from '../broker/away.ts';
import { headersFrom } from '../broker/find-by-id.ts';
import type { CarriedOut, OrderBatch } from '../broker/order-batch.ts';
import { uncertain } from '../broker/order-entry.ts';
import { lastSequence } from '../broker/streams.ts';
import type { BulkOrder, BulkOrders, BulkResult, SentMessage } from '../control/orders.ts';
import { describeError, EngineError, isEngineError } from '../error/engine-error.ts';
import type { InjectedMessage } from '../flow/inject.ts';
import { ownBodies } from '../flow/route.ts';
import type { Envelope } from '../message/message.ts';
import type { Director } from './director.ts';
import type { Engine } from './engine.ts';
import { inOrder, type Place } from './in-order.ts';
import { reprocess } from './reprocess.ts';
import { discard, type Handling, noLongerSuspended, resend } from './resend.ts';

type Suspended = Pick<Envelope, 'id' | 'target'>;

/** What the orders of one request share. */
interface Round {
  readonly engine: Engine;
  readonly director: Director;
  readonly batch: OrderBatch;
  readonly endOf: (stream: string) => Promise<number>;
  readonly places: (message: Suspended) => Promise<number | undefined>;
  readonly earlier: (stored: Stored) => Promise<SentMessage | undefined>;
}

/** A message that an order stores in a queue. */
interface Stored {
  readonly stream: string;
  /** Its Nats-Msg-Id. */
  readonly key: string;
  /** Where the stream ended before. */
  readonly end: number;
}

/**
 * Carries out many orders: prepared side by side, and stored in their order. Each is carried out
 * once, however often it is given and whoever is killed meanwhile: what an earlier run has stored
 * is found in the queues. After one that may have to be given again none is begun, so that those
 * behind it do not overtake it.
 */
export function bulkOrders(
  engine: Engine,
  director: Director,
): (request: BulkOrders, body: Uint8Array) => Promise<readonly BulkResult[]> {
  const places = suspendedPlaces(engine);
  return async ({ orders }, body) => {
    const batch = await engine.orders.batch();
    const ends = new Map<string, Promise<number>>();
    const endOf = (stream: string): Promise<number> => {
      const end = ends.get(stream) ?? lastSequence(engine.broker, stream);
      ends.set(stream, end);
      return end;
    };
    const round = { engine, director, batch, endOf, places, earlier: earlierRuns(engine) };
    const line = inOrder();
    const given = new Map<string, Promise<BulkResult>>();
    let at = 0;
    const working = orders.map((order) => {
      const bytes = body.subarray(at, (at += order.bytes));
      // messages of one session may be one order
      const result =
        given.get(order.order) ??
        resultOf(carriedOut(round, order, { body: bytes, place: line.next() }));
      given.set(order.order, result);
      return result;
    });
    const results = await Promise.all(working);
    await batch.end();
    return withoutOvertaking(orders, results);
  };
}

interface Given {
  readonly body: Uint8Array;
  readonly place: Place;
}

async function carriedOut(
  round: Round,
  order: BulkOrder,
  { body, place }: Given,
): Promise<SentMessage | undefined> {
  try {
    return await did(round, order, { body, place });
  } catch (error) {
    if (isWorthAgain(error)) place.stop(notBegun());
    throw error;
  } finally {
    place.end();
  }
}

function did(
  round: Round,
  order: BulkOrder,
  { body, place }: Given,
): Promise<SentMessage | undefined> {
  const { engine, director } = round;
  if (order.act === 'discard') return discarded(round, order);
  const suspended = replacedBy(order);
  const handling: Handling = {
    again: false,
    place: (message) => round.places(message),
    keep: keeping(round, { order: order.order, suspended, place }),
  };
  return order.act === 'resend'
    ? resend(engine, director, { request: order, body }, handling)
    : reprocess(engine, director, { request: order, body }, handling);
}

/** The suspended messages that an order deals with. */
function replacedBy(order: Exclude<BulkOrder, { readonly act: 'discard' }>): readonly Suspended[] {
  if (order.act === 'resend') return order.suspended === true ? [order.message] : [];
  return order.replaces.flatMap((one) => (one.suspended ? [one.message] : []));
}

async function discarded(
  { engine, batch, places }: Round,
  { order, ...discarding }: Extract<BulkOrder, { readonly act: 'discard' }>,
): Promise<undefined> {
  const { message } = discarding;
  await onceAlone<object, object>(
    batch,
    { order, suspended: [message] },
    {
      begin: async () => ({}),
      async run(before) {
        const at = await places(message);
        // an earlier run of this order had the message to itself
        if (at !== undefined || before === undefined) await discard(engine, discarding, at);
        return {};
      },
    },
  );
}

/** The name under which one alone acts on a suspended message. */
const nameOf = ({ id }: Suspended): string => `suspended.${id}`;

const busy = (message: Suspended): EngineError =>
  noLongerSuspended(message, 'is being dealt with by somebody else right now');

interface Kept {
  readonly order: string;
  readonly suspended: readonly Suspended[];
  readonly place: Place;
}

/** Stores the legs in their turn, unless an earlier run of the order has. */
function keeping(round: Round, { order, suspended, place }: Kept): Handling['keep'] {
  const { batch, director, engine } = round;
  return async (legs, { ready, store }) => {
    const { names } = engine.broker;
    const queued = legs.flatMap(({ message: { target }, queue, key }) =>
      queue === undefined
        ? []
        : [{ stream: names.queue(target, queue.partition, queue.generation).stream, key }],
    );
    let isStored = false;
    const carried: CarriedOut<InjectedMessage, readonly Stored[]> = {
      begin: () =>
        Promise.all(queued.map(async (one) => ({ ...one, end: await round.endOf(one.stream) }))),
      async run(before) {
        const found = before && (await earlier(round, before));
        if (found !== undefined) return { ...found, duplicate: false };
        await ready();
        isStored = true;
        return place.take(() => (queued.length === 1 ? store().catch(refused) : store()));
      },
    };
    try {
      return await onceAlone(batch, { order, suspended }, carried);
    } finally {
      if (!isStored) ownBodies(legs).forEach((ref) => director.routing.drop(ref));
    }
  };
}

/**
 * Carries out an order while nobody else acts on the messages it deals with. It has an entry of its
 * own besides: given again, the trace may say that they are dealt with, by its first run.
 */
async function onceAlone<Result, Begun>(
  batch: OrderBatch,
  { order, suspended }: Pick<Kept, 'order' | 'suspended'>,
  carried: CarriedOut<Result, Begun>,
): Promise<Result> {
  const [first, ...others] = suspended;
  if (first === undefined) return batch.once(order, carried);
  const rest = { order, suspended: others };
  const run = async () => [await onceAlone(batch, rest, carried)] as const;
  const done = await batch.alone(nameOf(first), order, run);
  if (done === undefined) throw busy(first);
  return done[0];
}

/** What an earlier run has stored of an order. Throws ORDER_UNCERTAIN if it has stored only part of it. */
async function earlier(round: Round, queued: readonly Stored[]): Promise<SentMessage | undefined> {
  // an order that leads into no queue leaves nothing to be found
  if (queued.length === 0) throw uncertain();
  const found = await Promise.all(queued.map((stored) => round.earlier(stored)));
  if (new Set(found.map((one) => one?.sessionId)).size > 1) throw uncertain();
  return found[0];
}

/**
 * Finds what earlier runs have stored, many in one reading: orders that were begun together. Throws
 * ORDER_UNCERTAIN if a queue no longer has everything since then.
 */
function earlierRuns({ broker }: Engine): Round['earlier'] {
  const finders = new Map<string, (key: string) => Promise<SentMessage | undefined>>();
  const finderOf = ({ stream, end }: Stored): ((key: string) => Promise<SentMessage | undefined>) =>
    askedTogether(async (keys) => {
      const wanted = new Set(keys);
      const found = new Map<string, SentMessage>();
      for await (const { key, sessionId } of headersFrom(broker, stream, { from: end + 1 }))
        if (wanted.delete(key)) found.set(key, { messageId: sessionId, sessionId });
      const { state } = await broker.manager.streams.info(stream);
      if (wanted.size > 0 && state.first_seq > end + 1) throw uncertain();
      return found;
    });
  return (stored) => {
    const name = `${stored.stream} ${stored.end}`;
    const finder = finders.get(name) ?? finderOf(stored);
    finders.set(name, finder);
    return finder(stored.key);
  };
}

/**
 * Finds suspended messages, many in one reading. It begins where the last ones were, since a job
 * goes through them from the oldest on, and then from the start.
 */
function suspendedPlaces({ broker }: Engine): (message: Suspended) => Promise<number | undefined> {
  const { suspended } = broker.names;
  const finders = new Map<string, (id: number) => Promise<number | undefined>>();
  const finderOf = (target: string): ((id: number) => Promise<number | undefined>) => {
    const subject = suspended.subject(target);
    let from = 1;
    return askedTogether(async (ids) => {
      const missing = new Set(ids);
      const found = new Map<number, number>();
      const read = async (begin: number): Promise<void> => {
        for await (const { id, sequence } of headersFrom(broker, suspended.stream, {
          from: begin,
          subject,
        })) {
          if (missing.delete(id)) found.set(id, sequence);
          if (missing.size === 0) return;
        }
      };
      await read(from);
      if (missing.size > 0 && from > 1) await read(1);
      from = Math.min(...found.values(), Number.MAX_SAFE_INTEGER);
      if (found.size === 0) from = 1;
      return found;
    });
  };
  return ({ id, target }) => {
    const finder = finders.get(target) ?? finderOf(target);
    finders.set(target, finder);
    return finder(id);
  };
}

/** An error after which everything is as before. */
class Untouched extends EngineError {}

/** What goes into one queue, which had no room for it, is nowhere. */
function refused(error: unknown): never {
  if (!isEngineError(error) || error.code !== 'QUEUE_FULL') throw error;
  throw new Untouched('QUEUE_FULL', error.message, { retryable: true });
}

/** Whether the same order has to be given again: NATS is away, or a queue is full. */
const isWorthAgain = (error: unknown): boolean =>
  isAway(error) || (isEngineError(error) && error.retryable);

async function resultOf(work: Promise<SentMessage | undefined>): Promise<BulkResult> {
  try {
    const sent = await work;
    return { sent: sent && { messageId: sent.messageId, sessionId: sent.sessionId } };
  } catch (error) {
    const untouched = error instanceof Untouched;
    const [retryable, own] = [isWorthAgain(error), !isAway(error)];
    return { failure: { ...describeError(error), retryable, untouched, own } };
  }
}

/**
 * What a queue refused is not stored behind what it took afterwards, as when the limit is in bytes
 * and the next message was smaller: that one has failed.
 */
function withoutOvertaking(
  orders: readonly BulkOrder[],
  results: readonly BulkResult[],
): readonly BulkResult[] {
  const later = new Set<string | undefined>();
  return results
    .map((result, at) => [result, orders[at]] as const)
    .reduceRight<BulkResult[]>((all, [result, order]) => {
      const target = order && targetOf(order);
      if ('sent' in result) later.add(target);
      const isFull = 'failure' in result && result.failure.code === 'QUEUE_FULL';
      all.unshift(
        isFull && later.has(target) ? { failure: { ...result.failure, retryable: false } } : result,
      );
      return all;
    }, []);
}

function targetOf(order: BulkOrder): string | undefined {
  if (order.act === 'resend') return order.to ?? order.message.target;
  return order.act === 'reprocess' ? order.targets?.join(' ') : undefined;
}

const notBegun = (): EngineError =>
  new Untouched('QUEUE_UNAVAILABLE', 'a message before it has to be sent first', {
    retryable: true,
  });
