import type { Body } from '../message/body.ts';
import type { Envelope } from '../message/message.ts';
import { enqueue, type Storing } from './enqueue.ts';
import { type Leg, type Routing, route } from './route.ts';
import { subject } from './subject.ts';

/** A message that did not come through a service: one that a person resends or sends as a test, or a notification. */
export interface Injected {
  readonly envelope: Omit<
    Envelope,
    'id' | 'sessionId' | 'target' | 'created' | 'received' | 'size' | 'branch'
  >;
  readonly body: Body;
  readonly bodyRef?: string | undefined;
  /** The hosts that get it. */
  readonly to: readonly string[];
  /** The first part of its legs' keys: a letter for each kind of message. */
  readonly kind: string;
  /** The same order is stored once; without it, each message is new. */
  readonly order?: string | number | undefined;
}

/** The first message of the session that was made. */
export interface InjectedMessage {
  readonly messageId: number;
  readonly sessionId: number;
  /** Every queue already had it. */
  readonly duplicate: boolean;
}

/** Stores the legs by `store`, which publishes them before it returns; or finds that they were stored before. */
export type Keeping<Result> = (
  legs: readonly Leg[],
  store: () => Promise<Result>,
) => Promise<Result>;

/**
 * Makes a message with its own session, routes it and stores all its legs. Resolves once they are
 * stored; rejects if anything was not.
 */
export async function inject(
  { routing, storing }: { readonly routing: Routing; readonly storing: Storing },
  { envelope, body, bodyRef, to, kind, order }: Injected,
  keeping: Keeping<InjectedMessage> = (_, store) => store(),
): Promise<InjectedMessage> {
  const id = routing.ids.next();
  const now = routing.clock.now();
  const first: Envelope = {
    ...envelope,
    id,
    sessionId: id,
    target: to[0] ?? envelope.source,
    created: now,
    received: now,
    size: body.size,
    // a part that is sent again is a session of its own
    branch: (envelope.parts ?? 1) > 1 ? id : undefined,
  };
  const legs = await route(routing, subject(first, body, bodyRef), {
    to: to.map((target) => ({ to: target })),
    key: `${kind}${order ?? id}`,
    firstId: id,
  });
  return keeping(legs, async () => {
    const { duplicate, originalSession = id } = await enqueue(storing, legs);
    return { messageId: originalSession, sessionId: originalSession, duplicate };
  });
}
