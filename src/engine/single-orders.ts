import { randomUUID } from 'node:crypto';
import type { Discard, Reprocess, Reprocessed, Resend, SentMessage } from '../control/orders.ts';
import type { Director } from './director.ts';
import type { Engine } from './engine.ts';
import { inOrder } from './in-order.ts';
import {
  type Handling,
  madeBefore,
  type OrderRound,
  orderRound,
  type Suspended,
} from './order-round.ts';
import { preview, reprocess } from './reprocess.ts';
import { discard, resend } from './resend.ts';

/** The engine that carries an order out. */
export interface Acting {
  readonly engine: Engine;
  readonly director: Director;
}

/** One order of a person that makes something; without a name of its own it is new. */
export interface SingleOrder<Result> {
  readonly order?: string | undefined;
  /** See `Resend`. */
  readonly knowing?: string | undefined;
  /** What it settles. */
  readonly suspended?: readonly Suspended[];
  readonly run: (handling: Handling, order: string) => Promise<Result>;
  /** The result of a repetition that cannot be carried out any more. */
  readonly made: (before: SentMessage) => Result;
}

/** Carries out one order, once however often it is given: see `OrderRound`. */
export async function singly<Result>(
  { engine, director }: Acting,
  { order = randomUUID(), knowing, suspended = [], run, made }: SingleOrder<Result>,
): Promise<Result> {
  const round = await orderRound(engine, director);
  try {
    return await run(round.handling({ order, knowing, suspended, place: inOrder().next() }), order);
  } catch (error) {
    return made(await madeBefore(round, order, error));
  } finally {
    await round.end();
  }
}

/** Like `resend`, as an order of a person. */
export function resendOnce(
  { engine, director }: Acting,
  request: Resend,
  body: Uint8Array,
): Promise<SentMessage> {
  return singly(
    { engine, director },
    {
      order: request.order,
      knowing: request.knowing,
      suspended: settledBy({ act: 'resend', ...request }),
      run: (handling, order) =>
        resend(engine, director, { request: { ...request, order }, body }, handling),
      made: (before) => before,
    },
  );
}

/** Like `reprocess`, as an order of a person; or its preview. */
export function reprocessOnce(
  { engine, director }: Acting,
  request: Reprocess,
  body: Uint8Array,
): Promise<Reprocessed> {
  if (request.dryRun === true) return preview(engine, director, { request, body });
  return singly(
    { engine, director },
    {
      order: request.order,
      knowing: request.knowing,
      suspended: settledBy({ act: 'reprocess', ...request }),
      run: (handling, order) =>
        reprocess(engine, director, { request: { ...request, order }, body }, handling),
      made: (before) => ({ ...before, made: [] }),
    },
  );
}

/** Ends a suspended message by a person's order, unless somebody else is dealing with it. */
export async function discardSuspended(
  { engine, director }: Acting,
  request: Discard,
): Promise<void> {
  const round = await orderRound(engine, director);
  try {
    await discardOnce(engine, round, { ...request, order: randomUUID() });
  } finally {
    await round.end();
  }
}

/** The same as one of the orders of a round. */
export function discardOnce(
  engine: Engine,
  round: OrderRound,
  { order, ...discarding }: Discard & { readonly order: string },
): Promise<void> {
  const { message } = discarding;
  return round.dealtWith({ order, suspended: [message] }, async (again, hold) => {
    const at = await round.place(message);
    await hold();
    // an earlier run of this order had the message to itself
    if (at !== undefined || !again) await discard(engine, discarding, at);
  });
}

type Making =
  | ({ readonly act: 'resend' } & Pick<Resend, 'message' | 'suspended'>)
  | ({ readonly act: 'reprocess' } & Pick<Reprocess, 'replaces'>);

/** The suspended messages that an order settles. */
export function settledBy(order: Making): readonly Suspended[] {
  if (order.act === 'resend') return order.suspended === true ? [order.message] : [];
  return order.replaces.flatMap((one) => (one.suspended ? [one.message] : []));
}
