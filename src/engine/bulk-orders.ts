import { isAway } from '../broker/away.ts';
import { Untouched } from '../broker/orders.ts';
import type { BulkOrder, BulkOrders, BulkResult, SentMessage } from '../control/orders.ts';
import { describeError, type EngineError, isEngineError } from '../error/engine-error.ts';
import type { Director } from './director.ts';
import type { Engine } from './engine.ts';
import { inOrder, type PlaceInOrder } from './in-order.ts';
import { madeBefore, type OrderRound, orderRound, suspendedPlaces } from './order-round.ts';
import { reprocess } from './reprocess.ts';
import { resend } from './resend.ts';
import { discardOnce, settledBy } from './single-orders.ts';

/** What the orders of one request share. */
interface Round {
  readonly engine: Engine;
  readonly director: Director;
  readonly orders: OrderRound;
}

/**
 * Carries out many orders: prepared side by side, and stored in their order. After one that may
 * have to be given again none is begun, so that those behind it do not overtake it.
 */
export function bulkOrders(
  engine: Engine,
  director: Director,
): (request: BulkOrders, body: Uint8Array) => Promise<readonly BulkResult[]> {
  const places = suspendedPlaces(engine);
  return async ({ orders }, body) => {
    const round = { engine, director, orders: await orderRound(engine, director, places) };
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
    await round.orders.end();
    return withoutOvertaking(orders, results);
  };
}

interface Given {
  readonly body: Uint8Array;
  readonly place: PlaceInOrder;
}

async function carriedOut(
  round: Round,
  order: BulkOrder,
  given: Given,
): Promise<SentMessage | undefined> {
  const { place } = given;
  try {
    return await did(round, order, given);
  } catch (error) {
    if (isWorthAgain(error)) place.stop(notBegun());
    throw error;
  } finally {
    place.end();
  }
}

async function did(
  { engine, director, orders }: Round,
  given: BulkOrder,
  { body, place }: Given,
): Promise<SentMessage | undefined> {
  const { order } = given;
  if (given.act === 'discard') {
    await discardOnce(engine, orders, given);
    return undefined;
  }
  const handling = orders.handling({ order, suspended: settledBy(given), place });
  const carrying =
    given.act === 'resend'
      ? resend(engine, director, { request: given, body }, handling)
      : reprocess(engine, director, { request: given, body }, handling);
  return carrying.catch((error: unknown) => madeBefore(orders, order, error));
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
