import { DiscardPolicy, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import type { MsgHdrs } from '@nats-io/transport-node';
import { ENVELOPE_FIELDS } from '../message/envelope.ts';
import type { Bodies } from './bodies.ts';
import type { Broker } from './broker.ts';
import { envelopeHeaders } from './envelope.ts';
import { makeStream } from './make-stream.ts';
import { type Taken, takenStored } from './queue.ts';
import { followStream } from './read-stream.ts';

/** What a durable process waits for: the first of these lets it continue. */
export interface WakeUp {
  /** Milliseconds since 1970; Infinity without a time. */
  readonly until: number;
  /** Where the answers to its calls will be stored. */
  readonly answers: readonly string[];
}

/** A message set aside until then, without its body. */
export interface Sleeper extends WakeUp {
  readonly id: number;
  readonly host: string;
  readonly sequence: number;
}

/** Where a message waits. */
export type WaitingPlace = Pick<Sleeper, 'id' | 'sequence'>;

/**
 * Stores messages whose processes wait for a time or an answer: one record each, so that they
 * occupy no place in a queue and no slot of an engine's pool.
 */
export interface WaitingRoom {
  /** Stores the message with what it waits for, replacing what was stored for it before. */
  enter(taken: Taken, host: string, wake: WakeUp): Promise<{ readonly sequence: number }>;
  /**
   * Everything that is there now or arrives later, in order, until the signal aborts. Throws
   * BROKER_UNAVAILABLE if the server is silent.
   */
  sleepers(signal: AbortSignal): AsyncGenerator<Sleeper>;
  /** A message with its body; undefined once it is gone. */
  read(sequence: number): Promise<Taken | undefined>;
  find(host: string, id: number): Promise<Taken | undefined>;
  leave(place: WaitingPlace): Promise<void>;
  /** What leaves from now on, on any engine, until the signal aborts. What leaves while NATS is away is not told. */
  leavings(signal: AbortSignal): AsyncIterable<WaitingPlace>;
}

const UNTIL = 'Wb-Until';
const ANSWER = 'Wb-Answer';

/** Creates the stream of waiting messages. */
export async function ensureWaitingRoom({ manager, names, replicas }: Broker): Promise<void> {
  await makeStream(manager, {
    name: names.waiting.stream,
    subjects: [names.waiting.subjects],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    max_bytes: -1,
    // a message that waits again replaces its earlier record
    max_msgs_per_subject: 1,
    num_replicas: replicas,
    allow_direct: true,
  });
}

export function waitingRoom(broker: Broker, bodies: Bodies): WaitingRoom {
  const { connection, manager, names, publisher } = broker;
  const { stream, left } = names.waiting;
  return {
    async enter({ message, bodyRef }, host, { until, answers }) {
      const headers = envelopeHeaders(message, { bodyRef });
      if (Number.isFinite(until)) headers.append(UNTIL, String(Math.ceil(until)));
      for (const answer of answers) headers.append(ANSWER, answer);
      const body = message.body.inline ?? new Uint8Array(0);
      return publisher.publish(names.waiting.subject(host, message.id), body, { headers });
    },
    async *sleepers(signal) {
      const stored = followStream(broker, stream, { from: 1, headersOnly: true, signal });
      for await (const { headers, seq } of stored) {
        if (headers !== undefined) yield sleeperOf(headers, seq);
      }
    },
    async read(sequence) {
      const stored = await manager.direct.getMessage(stream, { seq: sequence });
      return stored === null ? undefined : takenStored(stored, stream, bodies);
    },
    async find(host, id) {
      const stored = await manager.direct.getMessage(stream, {
        last_by_subj: names.waiting.subject(host, id),
      });
      return stored === null ? undefined : takenStored(stored, stream, bodies);
    },
    async leave({ id, sequence }) {
      await manager.streams.deleteMessage(stream, sequence, false);
      connection.publish(left, JSON.stringify({ id, sequence } satisfies WaitingPlace));
    },
    async *leavings(signal) {
      const told = connection.subscribe(left);
      const stop = (): void => told.unsubscribe();
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
      try {
        for await (const one of told) yield one.json<WaitingPlace>();
      } finally {
        signal.removeEventListener('abort', stop);
      }
    },
  };
}

function sleeperOf(headers: MsgHdrs, sequence: number): Sleeper {
  const until = headers.get(UNTIL);
  return {
    id: Number(headers.get(ENVELOPE_FIELDS.id.header)),
    host: headers.get(ENVELOPE_FIELDS.target.header),
    sequence,
    until: until === '' ? Number.POSITIVE_INFINITY : Number(until),
    answers: headers.values(ANSWER),
  };
}
