import { findById } from '../broker/find-by-id.ts';
import { type Begun, uncertain } from '../broker/orders.ts';
import type { Discard, Resend, SentMessage } from '../control/orders.ts';
import { ediTypeOf, hl7Header, kindOf } from '../document/index.ts';
import { EngineError } from '../error/engine-error.ts';
import { inject } from '../flow/inject.ts';
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
    const make = (): Promise<SentMessage> => resend(engine, director, { ...request, again }, body);
    return suspended ? alone(engine, message, make) : make();
  };
  return order === undefined ? run() : engine.orders.once(order, run, note);
}

/** An order to resend, and whether it may have been carried out before. */
interface Given extends Resend {
  readonly again: boolean;
}

/**
 * Sends a message again as a new session that is linked to the old one; the original is never
 * changed. A suspended original is then discarded, since it has been dealt with; if two resend it
 * at once, only one succeeds.
 */
async function resend(
  engine: Engine,
  director: Director,
  request: Given,
  body: Uint8Array,
): Promise<SentMessage> {
  const { message, bodyRef, suspended = false, order, again } = request;
  if (suspended) await checkSuspended(engine, message, again);
  const to = request.to ?? message.target;
  const large = bodyRef !== undefined;
  const { messageId, sessionId, duplicate } = await inject(director, {
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
  });
  if (suspended) {
    if (duplicate && !again)
      throw noLongerSuspended(message, 'has just been resent; discard it if it stays');
    await discard(engine, {
      message,
      by: request.by,
      reason: `resent as ${messageId}`,
    });
  }
  return { messageId, sessionId };
}

/**
 * Throws NOT_FOUND for a message that is no longer suspended, or ORDER_UNCERTAIN if the same order
 * may have been what dealt with it.
 */
export async function checkSuspended(
  engine: Engine,
  message: Pick<Envelope, 'id' | 'target'>,
  again: boolean,
): Promise<void> {
  if ((await placeOf(engine, message)) !== undefined) return;
  if (again) throw uncertain();
  throw noLongerSuspended(message, 'is no longer suspended: somebody else has dealt with it');
}

function noLongerSuspended(
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

/** The outcome is journaled, then the message leaves the suspended stream. */
export async function discard(engine: Engine, { message, by, reason }: Discard): Promise<void> {
  const { manager, names } = engine.broker;
  const sequence = await placeOf(engine, message);
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
