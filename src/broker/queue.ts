import { JetStreamApiError, type JsMsg } from '@nats-io/jetstream';
import { headers, type MsgHdrs } from '@nats-io/transport-node';
import { describeError, EngineError } from '../error/engine-error.ts';
import { inlineBody } from '../message/body.ts';
import type { Message } from '../message/message.ts';
import type { Bodies } from './bodies.ts';
import type { Broker } from './broker.ts';
import { readEnvelope } from './envelope.ts';

/** A message taken from a queue; it stays there until it is acknowledged. */
export interface Taken {
  readonly message: Message;
  readonly stream: string;
  readonly sequence: number;
  /** 1 at the first delivery, as far as the server remembers. */
  readonly delivery: number;
  readonly bodyRef: string | undefined;
  /** Removes it from the queue for good. */
  readonly acknowledge: () => void;
  /** Puts it back at the head at once. */
  readonly giveBack: () => void;
  /** Tells the server that work on it goes on; call it more often than the acknowledge wait. */
  readonly working: () => void;
}

/** Publishes to a queue's or the suspended stream; resolves once it is stored. */
export async function publishTo(
  { jetstream }: Broker,
  subject: string,
  body: Uint8Array,
  options: { readonly headers: MsgHdrs; readonly msgID: string },
): Promise<{ readonly sequence: number; readonly duplicate: boolean }> {
  try {
    const { seq, duplicate } = await jetstream.publish(subject, body, options);
    return { sequence: seq, duplicate };
  } catch (error) {
    throw publishError(error, subject);
  }
}

/** JetStream's `maximum bytes exceeded` and `maximum messages exceeded`. */
const FULL: ReadonlySet<number> = new Set([10_047, 10_077, 10_110]);

function publishError(error: unknown, subject: string): EngineError {
  const queue = subject.split('.').slice(3).join('.');
  if (error instanceof JetStreamApiError && isFull(error)) {
    return new EngineError(
      'QUEUE_FULL',
      `the queue of ${queue} has reached its limit; start or repair ${queue}, or raise settings.queueLimit`,
      { retryable: true },
    );
  }
  return new EngineError(
    'QUEUE_UNAVAILABLE',
    `the queue of ${queue} could not be written: ${describeError(error).text}`,
    { retryable: true },
  );
}

function isFull(error: JetStreamApiError): boolean {
  return (
    FULL.has(error.code) || /maximum (bytes|messages)|insufficient storage/.test(error.message)
  );
}

export function takenFrom(raw: JsMsg, bodies: Bodies): Taken {
  const { bodyRef, accepted: _, ...envelope } = readEnvelope(raw.headers ?? NO_HEADERS);
  const inline = raw.data;
  return {
    message: {
      ...envelope,
      body: bodyRef === undefined ? inlineBody(inline) : bodies.open(bodyRef, envelope.size),
    },
    stream: raw.info.stream,
    sequence: raw.seq,
    delivery: raw.info.deliveryCount,
    bodyRef,
    acknowledge: () => raw.ack(),
    giveBack: () => raw.nak(),
    working: () => raw.working(),
  };
}

const NO_HEADERS = headers();
