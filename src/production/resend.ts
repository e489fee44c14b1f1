import { findById } from '../broker/find-by-id.ts';
import { hl7Header } from '../document/index.ts';
import { EngineError } from '../error/engine-error.ts';
import { enqueue } from '../flow/enqueue.ts';
import { route } from '../flow/route.ts';
import { subject } from '../flow/subject.ts';
import { inlineBody } from '../message/body.ts';
import type { Envelope } from '../message/message.ts';
import { systemClock } from '../time/clock.ts';
import type { Director } from './director.ts';
import type { Engine } from './engine.ts';

/** A message to be sent again, as it was or edited; its body comes beside the request unless it lies in the store of large bodies. */
export interface Resend {
  /** The message as it was. */
  readonly message: Envelope;
  /** Another target than before, if given. */
  readonly to?: string | undefined;
  readonly bodyRef?: string | undefined;
  /** Settles the original too, where it is suspended. */
  readonly suspended?: boolean | undefined;
  readonly by: string;
  readonly reason?: string | undefined;
}

export interface Resent {
  readonly messageId: number;
  readonly sessionId: number;
}

/**
 * Sends a message again as a new session that is linked to the old one; the original is never
 * changed. A suspended original is then discarded, since it has been dealt with.
 */
export async function resend(
  engine: Engine,
  director: Director,
  request: Resend,
  body: Uint8Array,
): Promise<Resent> {
  const { message, bodyRef } = request;
  const to = request.to ?? message.target;
  const id = engine.ids.next();
  const now = systemClock.now();
  const envelope: Envelope = {
    ...message,
    id,
    sessionId: id,
    parentId: undefined,
    target: to,
    type: bodyRef === undefined ? typeNow(message.type, body) : message.type,
    created: now,
    received: now,
    size: bodyRef === undefined ? body.byteLength : message.size,
    replyTo: undefined,
    resendOf: message.id,
  };
  const held = bodyRef === undefined ? inlineBody(body) : engine.bodies.open(bodyRef, message.size);
  const legs = await route(director.routing, subject(envelope, held, bodyRef), {
    to: [{ to }],
    key: `r${id}`,
    firstId: id,
  });
  await enqueue(director.storing, legs);
  if (request.suspended === true) {
    await discardSuspended(engine, {
      message,
      by: request.by,
      reason: `resent as ${id}`,
    });
  }
  return { messageId: id, sessionId: id };
}

/** An edited HL7 message may be of another type than it was. */
function typeNow(type: string, body: Uint8Array): string {
  return type.startsWith('HL7v2:') ? hl7Header(body).type : type;
}

export interface Discard {
  readonly message: Pick<Envelope, 'id' | 'sessionId' | 'target'>;
  readonly by: string;
  readonly reason: string;
}

/** Ends a suspended message by a person's order: its outcome is journaled, then it leaves the suspended stream. */
export async function discardSuspended(
  engine: Engine,
  { message, by, reason }: Discard,
): Promise<void> {
  const { manager, names } = engine.broker;
  const sequence = await findById(engine.broker, names.suspended.stream, {
    id: message.id,
    subject: names.suspended.subject(message.target),
  });
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
