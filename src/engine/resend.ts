import { findById } from '../broker/find-by-id.ts';
import { uncertain } from '../broker/order-entry.ts';
import type { Begun } from '../broker/orders.ts';
import type { Discard, Resend, SentMessage } from '../control/orders.ts';
import { ediTypeOf, hl7Header, kindOf } from '../document/index.ts';
import { EngineError } from '../error/engine-error.ts';
import { type InjectedMessage, inject } from '../flow/inject.ts';
import type { Leg } from '../flow/route.ts';
import { inlineBody } from '../message/body.ts';
import type { Envelope } from '../message/message.ts';
import { systemClock } from '../time/clock.ts';
import type { Director } from './director.ts';
import type { Engine } from './engine.ts';

/** Like `resend`, but an order that any engine has already carried out is not repeated. */
export function resendOnce(
  engine: Engine,
  director: Director,
  request: Resend,
  body: Uint8Array,
): Promise<SentMessage> {
  const { message, order, suspended = false } = request;
  const note = suspended ? 'suspended' : undefined;
  const run = async (before?: Begun): Promise<SentMessage> => {
    const again = before !== undefined;
    // it was stored under another key then
    if (again && before.note !== note) throw uncertain();
    const make = (): Promise<SentMessage> =>
      resend(engine, director, { request, body }, byItself(engine, again));
    return suspended ? alone(engine, message, make) : make();
  };
  return order === undefined ? run() : engine.orders.once(order, run, note);
}

/** How an order is carried out: by itself, or as one of many. */
export interface Handling {
  /** The order may have been carried out before. */
  readonly again: boolean;
  /** The place of a message among the suspended ones, in the stream for these. */
  place(message: Pick<Envelope, 'id' | 'target'>): Promise<number | undefined>;
  /** Stores the legs, or returns what an earlier run of the order has stored. */
  keep(legs: readonly Leg[], steps: StoringSteps): Promise<InjectedMessage>;
}

export interface StoringSteps {
  /** Throws if there is nothing to be done any more; nobody else may act on the messages then. */
  readonly ready: () => Promise<void>;
  /** Publishes before it returns. */
  readonly store: () => Promise<InjectedMessage>;
}

export const byItself = (engine: Engine, again = false): Handling => ({
  again,
  place: (message) => placeOf(engine, message),
  async keep(_, { ready, store }) {
    await ready();
    return store();
  },
});

/**
 * Sends a message again as a new session that is linked to the old one; the original is never
 * changed. A suspended original is then discarded, since it has been dealt with; if two resend it
 * at once, only one succeeds.
 */
export async function resend(
  engine: Engine,
  director: Director,
  { request, body }: { readonly request: Resend; readonly body: Uint8Array },
  handling = byItself(engine),
): Promise<SentMessage> {
  const { message, bodyRef, suspended = false, order } = request;
  const places = placesOf(handling, suspended ? [message] : []);
  const to = request.to ?? message.target;
  const large = bodyRef !== undefined;
  const injected = {
    envelope: {
      ...message,
      parentId: undefined,
      type: large ? message.type : typeNow(message.type, body),
      replyTo: undefined,
      resendOf: message.id,
    },
    body: large ? engine.bodies.open(bodyRef, message.size) : inlineBody(body),
    bodyRef,
    to: [to],
    // the queue stores messages with the same key only once
    ...(suspended ? { kind: 's', order: message.id } : { kind: 'r', order }),
  };
  const { messageId, sessionId } = await inject(director, injected, (legs, store) =>
    handling.keep(legs, {
      ready: () => places.all(),
      async store() {
        const stored = await store();
        if (suspended && stored.duplicate && !handling.again)
          throw noLongerSuspended(message, 'has just been resent; discard it if it stays');
        return stored;
      },
    }),
  );
  const reason = `resent as ${messageId}`;
  for (const place of await places.left())
    if (place !== undefined) await discard(engine, { message, by: request.by, reason }, place);
  return { messageId, sessionId };
}

/** The places of suspended messages that are dealt with. */
export function placesOf(
  handling: Pick<Handling, 'place' | 'again'>,
  messages: readonly Pick<Envelope, 'id' | 'target'>[],
): {
  /** Throws NOT_FOUND if one is no longer suspended. */
  all(): Promise<void>;
  /** Those that are still there, in the order of the messages. */
  left(): Promise<readonly (number | undefined)[]>;
} {
  let found: readonly (number | undefined)[] | undefined;
  const look = (): Promise<readonly (number | undefined)[]> =>
    Promise.all(messages.map((message) => handling.place(message)));
  return {
    async all() {
      found = await look();
      const message = messages[found.indexOf(undefined)];
      if (message === undefined) return;
      throw handling.again ? uncertain() : dealtWith(message);
    },
    left: async () => found ?? look(),
  };
}

const dealtWith = (message: Pick<Envelope, 'id' | 'target'>): EngineError =>
  noLongerSuspended(message, 'is no longer suspended: somebody else has dealt with it');

export function noLongerSuspended(
  { id, target }: Pick<Envelope, 'id' | 'target'>,
  why: string,
): EngineError {
  return new EngineError('NOT_FOUND', `message ${id} at ${target} ${why}`);
}

/** Editing may change the type of a message with segments. */
function typeNow(type: string, body: Uint8Array): string {
  if (type.startsWith('HL7v2:')) return hl7Header(body).type;
  const kind = kindOf(type);
  const isEdi = kind === 'x12' || kind === 'edifact';
  return isEdi ? (ediTypeOf(body) ?? type) : type;
}

/** Ends a suspended message by a person's order, unless somebody else is dealing with it. */
export async function discardSuspended(engine: Engine, order: Discard): Promise<void> {
  await alone(engine, order.message, () => discard(engine, order));
}

/** If two people act on a suspended message at once, on any engines, only one succeeds. */
export async function alone<Result>(
  { orders }: Engine,
  message: Pick<Envelope, 'id' | 'target'>,
  run: () => Promise<Result>,
): Promise<Result> {
  const done = await orders.alone(`suspended.${message.id}`, async () => [await run()] as const);
  if (done === undefined)
    throw noLongerSuspended(message, 'is being dealt with by somebody else right now');
  return done[0];
}

/**
 * The outcome is journaled, then the message leaves the suspended stream.
 *
 * @param place where it is there, if it is known
 */
export async function discard(
  engine: Engine,
  { message, by, reason }: Discard,
  place?: number,
): Promise<void> {
  const { manager, names } = engine.broker;
  const sequence = place ?? (await placeOf(engine, message));
  if (sequence === undefined) {
    throw new EngineError(
      'NOT_FOUND',
      `message ${message.id} is not suspended at ${message.target}`,
    );
  }
  const now = systemClock.now();
  await engine.outcomes.append({
    record: {
      kind: 'outcome',
      id: message.id,
      sessionId: message.sessionId,
      host: message.target,
      status: 'discarded',
      started: now,
      done: now,
      attempts: 0,
      warning: reason,
      by,
    },
  });
  await manager.streams.deleteMessage(names.suspended.stream, sequence, false);
}

/** The position of a message among the suspended ones. */
function placeOf(
  { broker }: Engine,
  { id, target }: Pick<Envelope, 'id' | 'target'>,
): ReturnType<typeof findById> {
  const { suspended } = broker.names;
  return findById(broker, suspended.stream, { id, subject: suspended.subject(target) });
}
