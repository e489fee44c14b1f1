import { askedTogether } from '../broker/asked-together.ts';
import { headersFrom } from '../broker/find-by-id.ts';
import {
  type CarriedOut,
  isFinal,
  type OrderBatch,
  Untouched,
  uncertain,
} from '../broker/orders.ts';
import { lastSequence } from '../broker/streams.ts';
import type { SentMessage } from '../control/orders.ts';
import { EngineError, isEngineError } from '../error/engine-error.ts';
import type { InjectedMessage } from '../flow/inject.ts';
import { type Leg, ownBodies } from '../flow/route.ts';
import type { Envelope } from '../message/message.ts';
import type { Director } from './director.ts';
import type { Engine } from './engine.ts';
import type { PlaceInOrder } from './in-order.ts';

export type Suspended = Pick<Envelope, 'id' | 'target'>;

/**
 * Orders of people that are carried out together, or one alone: each once, however often it is
 * given and whoever is killed meanwhile, since what an earlier run has stored is found in the
 * queues.
 */
export interface OrderRound {
  handling(order: OrderInRound): Handling;
  /**
   * Deals with suspended messages while nobody else can. `deal` is told whether an earlier run of
   * the order had begun, and calls `hold` right before it changes something.
   */
  dealtWith(
    order: Omit<OrderInRound, 'place'>,
    deal: (again: boolean, hold: () => Promise<void>) => Promise<void>,
  ): Promise<void>;
  /** The place of a message among the suspended ones, in the stream for these. */
  place(message: Suspended): Promise<number | undefined>;
  /** What an earlier run of the order has made, if anything. */
  known(order: string): Promise<SentMessage | undefined>;
  /** Records what was done. When all have ended. */
  end(): Promise<void>;
}

export interface OrderInRound {
  readonly order: string;
  /** What the order settles. */
  readonly suspended: readonly Suspended[];
  /** See `Resend`. */
  readonly knowing?: string | undefined;
  /** When it stores what it makes. */
  readonly place: PlaceInOrder;
}

/** How one order looks for and stores messages. */
export interface Handling {
  /** See `OrderRound`. */
  place(message: Suspended): Promise<number | undefined>;
  /** Stores the legs, or returns what an earlier run of the order has stored. */
  keep(legs: readonly Leg[], steps: StoringSteps): Promise<InjectedMessage>;
}

export interface StoringSteps {
  /** Throws if there is nothing to be done any more; nobody else may act on the messages then. */
  readonly ready: () => Promise<void>;
  /**
   * Publishes before it returns.
   *
   * @param again an earlier run of the order had begun: what is there already is its own
   */
  readonly store: (again: boolean) => Promise<InjectedMessage>;
}

/** What the orders of one round share. */
interface Round {
  readonly engine: Engine;
  readonly director: Director;
  readonly batch: OrderBatch;
  readonly endOf: (stream: string) => Promise<number>;
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

/** @param places finds suspended messages: `suspendedPlaces` */
export async function orderRound(
  engine: Engine,
  director: Director,
  places = suspendedPlaces(engine),
): Promise<OrderRound> {
  const batch = await engine.orders.batch();
  const ends = new Map<string, Promise<number>>();
  const endOf = (stream: string): Promise<number> => {
    const end = ends.get(stream) ?? lastSequence(engine.broker, stream);
    ends.set(stream, end);
    return end;
  };
  const round = { engine, director, batch, endOf, earlier: earlierRuns(engine) };
  return {
    handling: (order) => ({ place: places, keep: keeping(round, order) }),
    async dealtWith(order, deal) {
      await onceAlone<object, object>(batch, order, {
        begin: async () => ({}),
        async run(before, hold) {
          await deal(before !== undefined, hold);
          return {};
        },
      });
    },
    place: places,
    async known(order) {
      const known = await batch.known(order);
      if (known === undefined) return undefined;
      // what `keeping` has recorded
      return 'result' in known
        ? (known.result as SentMessage)
        : earlier(round, known.begun as readonly Stored[]);
    },
    end: () => batch.end(),
  };
}

/** The name under which one alone acts on a suspended message. */
const nameOf = ({ id }: Suspended): string => `suspended.${id}`;

const busy = (message: Suspended): EngineError =>
  noLongerSuspended(message, 'is being dealt with by somebody else, or was just now');

const orderedBefore = (): EngineError =>
  new EngineError(
    'LIST_OUTDATED',
    'somebody else has just sent this message again, otherwise than you: look at what they sent, then decide whether yours is needed too',
  );

export function noLongerSuspended({ id, target }: Suspended, why: string): EngineError {
  return new EngineError('NOT_FOUND', `message ${id} at ${target} ${why}`);
}

/**
 * What an earlier run of an order has made, which cannot be carried out now: the rules may have
 * changed since, or the trace says by now that its message is dealt with. Throws `error` otherwise.
 */
export async function madeBefore(
  orders: OrderRound,
  order: string,
  error: unknown,
): Promise<SentMessage> {
  const made = isFinal(error) ? await orders.known(order) : undefined;
  if (made === undefined) throw error;
  return made;
}

/** Stores the legs in their turn, unless an earlier run of the order has. */
function keeping(round: Round, { place, ...order }: OrderInRound): Handling['keep'] {
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
      async run(before, hold) {
        const found = before && (await earlier(round, before));
        if (found !== undefined) return { ...found, duplicate: false };
        await ready();
        const again = before !== undefined;
        return place.take(hold, () => {
          isStored = true;
          return queued.length === 1 ? store(again).catch(refused) : store(again);
        });
      },
    };
    try {
      return await onceAlone(batch, order, carried);
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
  { order, suspended, knowing }: Omit<OrderInRound, 'place'>,
  carried: CarriedOut<Result, Begun>,
): Promise<Result> {
  if (knowing !== undefined) {
    const run = async () => [await onceAlone(batch, { order, suspended }, carried)] as const;
    const done = await batch.alone(`knowing.${knowing}`, order, run);
    if (done === undefined) throw orderedBefore();
    return done[0];
  }
  const [first, ...others] = suspended;
  if (first === undefined) return batch.once(order, carried);
  const rest = { order, suspended: others };
  const run = async () => [await onceAlone(batch, rest, carried)] as const;
  const done = await batch.alone(nameOf(first), order, run);
  if (done === undefined) throw busy(first);
  return done[0];
}

/** What goes into a single queue that had no room for it was stored nowhere. */
function refused(error: unknown): never {
  if (!isEngineError(error) || error.code !== 'QUEUE_FULL') throw error;
  throw new Untouched('QUEUE_FULL', error.message, { retryable: true });
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
export function suspendedPlaces({
  broker,
}: Engine): (message: Suspended) => Promise<number | undefined> {
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
