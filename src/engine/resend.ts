import { findById } from '../broker/find-by-id.ts';
import type { Discard, Resend, SentMessage } from '../control/orders.ts';
import { ediTypeOf, hl7Header, kindOf } from '../document/index.ts';
import { EngineError } from '../error/engine-error.ts';
import { inject } from '../flow/inject.ts';
import { inlineBody } from '../message/body.ts';
import { callerWithoutLaunch } from '../message/caller.ts';
import type { Envelope } from '../message/message.ts';
import { systemClock } from '../time/clock.ts';
import type { Director } from './director.ts';
import type { Engine } from './engine.ts';
import { type Handling, noLongerSuspended } from './order-round.ts';

/**
 * Sends a message again as a new session that is linked to the old one; the original is never
 * changed. A suspended original is then discarded, since it has been dealt with; if two resend it
 * at once, only one succeeds.
 */
export async function resend(
  engine: Engine,
  director: Director,
  { request, body }: { readonly request: Resend; readonly body: Uint8Array },
  handling: Handling,
): Promise<SentMessage> {
  const { message, bodyRef, suspended = false, order } = request;
  const places = placesOf(handling, suspended ? [message] : []);
  const to = request.to ?? message.target;
  const large = bodyRef !== undefined;
  const injected = {
    envelope: {
      ...message,
      parentId: undefined,
      hops: undefined,
      caller: callerWithoutLaunch(message),
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
      async store(again) {
        const stored = await store();
        if (suspended && stored.duplicate && !again)
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
  handling: Pick<Handling, 'place'>,
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
      throw noLongerSuspended(message, 'is no longer suspended: somebody else has dealt with it');
    },
    left: async () => found ?? look(),
  };
}

/** Editing may change the type of a message with segments. */
function typeNow(type: string, body: Uint8Array): string {
  if (type.startsWith('HL7v2:')) return hl7Header(body).type;
  const kind = kindOf(type);
  const isEdi = kind === 'x12' || kind === 'edifact';
  return isEdi ? (ediTypeOf(body) ?? type) : type;
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
