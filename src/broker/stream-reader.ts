import type { ConsumerMessages, JsMsg } from '@nats-io/jetstream';
import { background } from '../error/background.ts';
import { tolerate, unless } from '../error/foreseen.ts';
import { pause } from '../time/pause.ts';
import { isAway } from './away.ts';
import type { Broker } from './broker.ts';
import { isLeaderless, removeLeaderless } from './leaderless.ts';
import { PROJECTOR } from './names.ts';
import {
  ensureProjector,
  lastSequence,
  nextExisting,
  reclaimProjector,
  rewindProjector,
  STEADILY,
} from './streams.ts';

/** Messages of any of the production's streams, to be acknowledged as a whole. */
export interface ReadBatch {
  readonly messages: readonly JsMsg[];
  /** Everything in it has been processed; until this is called, the server delivers it again after a restart. */
  acknowledge(): void;
}

export interface StreamReader {
  /** The next messages, at least one, as soon as there are any; undefined once the reader is closed. */
  next(): Promise<ReadBatch | undefined>;
  /** How many messages wait to be read, according to the server. */
  lag(): Promise<number>;
  /** Reads everything again that the streams still contain. */
  again(): void;
  close(): Promise<void>;
}

export interface ReaderOptions {
  /** The most messages in a batch. */
  readonly size?: number;
  /** Milliseconds to wait for more once there is a message. */
  readonly linger?: number;
  /** Called for messages that were never read here and that the stream no longer contains. */
  readonly onMissing?: ((missing: MissingRange) => void) | undefined;
}

/** Sequences of a stream whose messages are missing although nobody removed them. */
export interface MissingRange {
  readonly stream: string;
  readonly from: number;
  readonly to: number;
}

const SEEK = 2_000;
/** Milliseconds before a stream is read again after reading was interrupted. */
const AGAIN = 50;

/** How one stream is being read. */
interface Reading {
  readonly messages: ConsumerMessages;
  /** The sequence that must come next. */
  due: number;
  /** Set once a delivery is missing: what follows it is dropped. */
  broken: boolean;
}

interface Taken {
  readonly message: JsMsg;
  readonly of: Reading;
}

/**
 * Reads the journal and every queue of a production through the projector's durable consumers. It
 * looks for new streams from time to time.
 *
 * A delivery may be lost with its connection while the server counts it as delivered; the
 * acknowledgement of what follows would cover it, and it would never be read. So a stream is read
 * without a gap: if a sequence is missing, and after a reconnect, its consumer starts again after
 * what was acknowledged.
 */
// oxlint-disable-next-line max-lines-per-function -- a factory: its closures share the state above them
export function streamReader(broker: Broker, options: ReaderOptions = {}): StreamReader {
  const { size = 1_000, linger = 150, onMissing } = options;
  const waiting: Taken[] = [];
  const reading = new Map<string, Reading>();
  const followed = new Map<string, Promise<void>>();
  /** By stream: its gaps, from the first missing sequence to the next that exists. */
  const holes = new Map<string, Map<number, number>>();
  /** By stream: its end before anything was read from it; it is not known what was removed up to there. */
  const past = new Map<string, number>();
  /** How often reading everything again was requested, and how often each stream was restarted for it. */
  let round = 0;
  const rounds = new Map<string, number>();
  const stop = new AbortController();
  let arrived = Promise.withResolvers<void>();

  const breakOff = (of: Reading): void => {
    of.broken = true;
    of.messages.stop();
  };

  const take = (message: JsMsg, of: Reading): void => {
    const { seq } = message;
    if (of.broken) return;
    const due = holes.get(message.info.stream)?.get(of.due) ?? of.due;
    if (seq > due) return breakOff(of);
    // repetitions are harmless
    if (seq === due) of.due = seq + 1;
    waiting.push({ message, of });
    arrived.resolve();
  };

  /** Records a gap in the stream at the next expected sequence, and reports it if that message should exist. */
  const lookForHole = async (stream: string, due: number): Promise<void> => {
    const next = await nextExisting(broker, stream, due);
    if (next === undefined || next === due) return;
    const found = holes.get(stream) ?? new Map<number, number>();
    if (due > (past.get(stream) ?? 0) && !found.has(due)) {
      onMissing?.({ stream, from: due, to: next - 1 });
    }
    holes.set(stream, found.set(due, next));
  };

  /** Reads a stream until its consumer ends or a delivery is missing; returns how far it got. */
  const read = async (stream: string, due: number): Promise<number> => {
    await ensureProjector(broker, stream);
    if ((rounds.get(stream) ?? 0) < round) {
      const current = round;
      await rewindProjector(broker, stream);
      rounds.set(stream, current);
    }
    const floor = await reclaimProjector(broker, stream);
    if (floor === 0 && !past.has(stream)) past.set(stream, await lastSequence(broker, stream));
    await lookForHole(stream, floor + 1);
    if (due > floor + 1) await lookForHole(stream, due);
    const consumer = await broker.jetstream.consumers.get(stream, PROJECTOR);
    const early: JsMsg[] = [];
    let of: Reading | undefined;
    const messages = await consumer.consume({
      max_messages: 1_000,
      ...STEADILY,
      callback: (message) => {
        if (of === undefined) early.push(message);
        else take(message, of);
      },
    });
    of = { messages, due: floor + 1, broken: stop.signal.aborted };
    reading.set(stream, of);
    for (const message of early) take(message, of);
    if (of.broken) messages.stop();
    await messages.closed();
    return of.due;
  };

  const follow = async (stream: string): Promise<void> => {
    try {
      for (let due = 0; !stop.signal.aborted; ) {
        due = await read(stream, due);
        reading.delete(stream);
        await pause(AGAIN, stop.signal);
      }
    } catch (error) {
      // the consumer is durable, and `seek` comes again
      tolerate(error, isAway, `reading ${stream}`);
      if (isLeaderless(error) && !stop.signal.aborted)
        await removeLeaderless(broker, stream, PROJECTOR).catch(
          unless(isAway, `making the consumer of ${stream} again`),
        );
    } finally {
      followed.delete(stream);
      reading.delete(stream);
    }
  };

  const seek = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      try {
        const found = await readable(broker);
        for (const stream of found.filter((name) => !followed.has(name))) {
          followed.set(stream, follow(stream));
        }
      } catch (error) {
        // NATS is unreachable at the moment; the consumers are durable
        tolerate(error, isAway, 'looking for streams to read');
      }
      await pause(SEEK, stop.signal, { ref: false });
    }
  };
  const seeking = seek();

  /** After a lost connection: what was delivered over it may never have arrived. */
  const watch = async (): Promise<void> => {
    for await (const { type } of broker.connection.status()) {
      if (type === 'reconnect') for (const of of reading.values()) breakOff(of);
    }
  };
  // ends with the connection
  background(watch(), 'watching the connection of the trace');

  /** The consumers acknowledge everything up to a message, so the last of each stream is enough. */
  const acknowledge = (taken: readonly Taken[]): void => {
    const last = new Map<string, Taken>();
    for (const one of taken) last.set(one.message.info.stream, one);
    for (const [stream, { message, of }] of last) {
      // a restarted consumer restarts its count and delivers this one again
      if (reading.get(stream) === of && !of.broken) message.ack();
    }
  };

  return {
    async next() {
      while (waiting.length === 0) {
        if (stop.signal.aborted) return undefined;
        await arrived.promise;
        arrived = Promise.withResolvers();
      }
      if (waiting.length < size && !stop.signal.aborted) {
        await pause(linger, stop.signal);
      }
      const taken = waiting.splice(0, size);
      return {
        messages: taken.map(({ message }) => message),
        acknowledge: () => acknowledge(taken),
      };
    },
    lag: () => projectorLag(broker),
    again() {
      round += 1;
      past.clear();
      for (const of of reading.values()) breakOff(of);
    },
    async close() {
      stop.abort();
      arrived.resolve();
      await seeking;
      for (const { messages } of reading.values()) messages.stop();
      await Promise.all(followed.values());
    },
  };
}

/** How many messages the projector still has to process, according to the server. */
export async function projectorLag(broker: Broker): Promise<number> {
  const streams = await readable(broker);
  const infos = await Promise.all(
    streams.map((stream) =>
      // a consumer that is just being created has read nothing yet
      unread(broker, stream).catch(unless(isAway, `asking about ${stream}`)),
    ),
  );
  return infos.reduce<number>((sum, count) => sum + (count ?? 0), 0);
}

async function unread({ manager }: Broker, stream: string): Promise<number> {
  try {
    const { num_pending, num_ack_pending } = await manager.consumers.info(stream, PROJECTOR);
    return num_pending + num_ack_pending;
  } catch (error) {
    if (!isLeaderless(error)) throw error;
    // nobody knows how far it has come: at most this
    return (await manager.streams.info(stream)).state.messages;
  }
}

/** The streams that the trace is built from; bodies, state and suspended messages are referred to from these. */
async function readable({ manager, names }: Broker): Promise<string[]> {
  const streams: string[] = [];
  for await (const stream of manager.streams.names(names.everything)) {
    if (names.isTold(stream)) streams.push(stream);
  }
  return streams;
}
