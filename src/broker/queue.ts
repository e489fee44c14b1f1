import type { JsMsg, StoredMsg } from '@nats-io/jetstream';
import { headers, type Msg, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node';
import { tolerate } from '../error/foreseen.ts';
import { inlineBody } from '../message/body.ts';
import type { Message } from '../message/message.ts';
import { isAway } from './away.ts';
import type { Bodies } from './bodies.ts';
import type { Broker } from './broker.ts';
import { readEnvelope, splitPayload } from './envelope.ts';
import type { Turn } from './publisher.ts';

/** A message taken from a queue; it stays there until it is acknowledged. */
export interface Taken {
  readonly message: Message;
  readonly stream: string;
  readonly sequence: number;
  /** 1 for the first delivery, as far as the server remembers. */
  readonly delivery: number;
  readonly bodyRef: string | undefined;
  /** It waited outside the queue, so its acknowledgement proves nothing about its outcome. */
  readonly woken: boolean;
  /** Where its acknowledgement goes; undefined if none is expected. */
  readonly acknowledgeAt: string | undefined;
  /** Removes it from the queue permanently. */
  readonly acknowledge: () => void;
  /** Puts it back at the head immediately. */
  readonly giveBack: () => void;
  /** Tells the server that work on it continues; call it at shorter intervals than the acknowledge wait. */
  readonly working: () => void;
}

/** A delivered message as the engine sees it. What it tells the server is sent at the end of the turn. */
export function takenFrom(raw: JsMsg, bodies: Bodies, turn: Turn): Taken {
  return {
    ...contentOf(raw.headers ?? NO_HEADERS, raw.data, bodies),
    stream: raw.info.stream,
    sequence: raw.seq,
    delivery: raw.info.deliveryCount,
    acknowledgeAt: acknowledgeSubject(raw),
    acknowledge: () => turn.atEnd(() => told(() => raw.ack())),
    giveBack: () => turn.atEnd(() => told(() => raw.nak())),
    working: () => turn.atEnd(() => told(() => raw.working())),
  };
}

/** What the server says about a message that it delivers. */
export interface Delivery {
  readonly sequence: number;
  /** 1 for the first time. */
  readonly times: number;
  /** The number of the delivery, counted by the consumer. */
  readonly number: number;
  /** How many more the consumer has to deliver. */
  readonly pending: number;
  /** Where its acknowledgement goes. */
  readonly at: string;
}

/**
 * Reads it from the address of the acknowledgement (ADR-15 of NATS, with and without a domain);
 * undefined for anything else.
 */
export function deliveryOf(at: string): Delivery | undefined {
  if (!at.startsWith('$JS.ACK.')) return undefined;
  const tokens = at.split('.');
  const numbers = tokens.slice(tokens.length === 9 ? 4 : 6).map(Number);
  const [times = 1, sequence = 0, number = 0, , pending = 0] = numbers;
  return { sequence, times, number, pending, at };
}

/** A message that the server delivered for a request of a line's feed, which says what is told of it. */
export function takenFromLine(
  raw: Msg,
  { sequence, times, at }: Delivery,
  { stream, bodies }: { readonly stream: string; readonly bodies: Bodies },
): Omit<Taken, 'acknowledge' | 'giveBack' | 'working'> {
  return {
    ...contentOf(raw.headers ?? NO_HEADERS, raw.data, bodies),
    stream,
    sequence,
    delivery: times,
    acknowledgeAt: at,
  };
}

/** What the server may be told about a delivery (ADR-13 of NATS). */
export type AckKind = '+ACK' | '-NAK' | '+WPI';

/** Tells the server at the end of the turn. */
export function teller(
  connection: NatsConnection,
  turn: Turn,
): (at: string, what: AckKind) => void {
  return (at, what) => turn.atEnd(() => told(() => connection.publish(at, what)));
}

/**
 * The client's interface leaves this out, and its `ack` works only once; keeping the message for
 * later would hold all of it in memory.
 */
const acknowledgeSubject = (raw: JsMsg): string => (raw as JsMsg & { reply: string }).reply;

/**
 * Repeats acknowledgements: a server that was killed may have forgotten them, and would let the
 * line wait until it delivers the messages again. It ignores those it remembers.
 */
export function acknowledgeAgain({ connection }: Broker, acknowledgeAt: string): void {
  told(() => connection.publish(acknowledgeAt, '+ACK'));
}

const nothing = (): void => undefined;

/** A message in a queue that was not delivered; the server is told nothing about it. */
export function takenStored(stored: StoredMsg, stream: string, bodies: Bodies): Taken {
  return {
    ...contentOf(stored.header, stored.data, bodies),
    stream,
    sequence: stored.seq,
    delivery: 1,
    acknowledgeAt: undefined,
    acknowledge: nothing,
    giveBack: nothing,
    working: nothing,
  };
}

function contentOf(
  header: MsgHdrs,
  data: Uint8Array,
  bodies: Bodies,
): Pick<Taken, 'message' | 'bodyRef' | 'woken'> {
  const { bodyRef, accepted: _, attached, woken = false, ...envelope } = readEnvelope(header);
  const inline = splitPayload(data, attached).body;
  const body = bodyRef === undefined ? inlineBody(inline) : bodies.open(bodyRef, envelope.size);
  return { message: { ...envelope, body }, bodyRef, woken };
}

/** A closed connection cannot tell the server anything, which then delivers the message again. */
function told(tell: () => void): void {
  try {
    tell();
  } catch (error) {
    // the outcome says that it was settled
    tolerate(error, isAway, 'telling the server the result of a delivery');
  }
}

const NO_HEADERS = headers();
