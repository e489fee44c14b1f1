import type { ConsumerMessages, JsMsg } from '@nats-io/jetstream';
import { background } from '../error/background.ts';
import { tolerate, unless } from '../error/foreseen.ts';
import { pause } from '../time/pause.ts';
import { isAway } from './away.ts';
import type { Broker } from './broker.ts';
import { PROJECTOR } from './names.ts';
import { ensureProjector, STEADILY } from './streams.ts';

/** Messages of any of the production's streams, to be acknowledged as a whole. */
export interface ReadBatch {
  readonly messages: readonly JsMsg[];
  /** Everything in it is dealt with; until then the server gives it again after a restart. */
  acknowledge(): void;
}

export interface StreamReader {
  /** The next messages, at least one, as soon as there are some; undefined once the reader is closed. */
  next(): Promise<ReadBatch | undefined>;
  /** How many messages wait to be read, as the server counts them. */
  lag(): Promise<number>;
  close(): Promise<void>;
}

export interface ReaderOptions {
  /** Messages of a batch at most. */
  readonly size?: number;
  /** Milliseconds to gather more once there is a message. */
  readonly linger?: number;
}

const SEEK = 2_000;

/**
 * Reads the journal and every queue of a production through the projector's durable consumers.
 * Streams that appear later are found by looking again.
 */
export function streamReader(broker: Broker, options: ReaderOptions = {}): StreamReader {
  const { size = 1_000, linger = 150 } = options;
  const waiting: JsMsg[] = [];
  const consuming = new Map<string, ConsumerMessages>();
  const stop = new AbortController();
  let arrived = Promise.withResolvers<void>();

  const consume = async (stream: string): Promise<void> => {
    await ensureProjector(broker, stream);
    const consumer = await broker.jetstream.consumers.get(stream, PROJECTOR);
    const messages = await consumer.consume({
      max_messages: 1_000,
      ...STEADILY,
      callback: (message) => {
        waiting.push(message);
        arrived.resolve();
      },
    });
    consuming.set(stream, messages);
    background(
      messages.closed().finally(() => consuming.delete(stream)),
      `reading ${stream}`,
      isAway,
    );
  };

  const seek = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      try {
        const found = await readable(broker);
        for (const stream of found.filter((name) => !consuming.has(name))) await consume(stream);
      } catch (error) {
        // NATS is away for the moment; the consumers are durable
        tolerate(error, isAway, 'looking for streams to read');
      }
      await pause(SEEK, stop.signal, { ref: false });
    }
  };
  const seeking = seek();

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
      const messages = waiting.splice(0, size);
      return { messages, acknowledge: () => acknowledgeAll(messages) };
    },
    lag: () => projectorLag(broker),
    async close() {
      stop.abort();
      arrived.resolve();
      await seeking;
      await Promise.all([...consuming.values()].map((messages) => messages.close()));
    },
  };
}

/** How many messages the projector has not dealt with, as the server counts them. */
export async function projectorLag(broker: Broker): Promise<number> {
  const streams = await readable(broker);
  const infos = await Promise.all(
    streams.map((stream) =>
      // one that is just being made has read nothing yet
      broker.manager.consumers
        .info(stream, PROJECTOR)
        .catch(unless(isAway, `asking after ${stream}`)),
    ),
  );
  return infos.reduce(
    (sum, info) => sum + (info?.num_pending ?? 0) + (info?.num_ack_pending ?? 0),
    0,
  );
}

/** The consumers acknowledge everything up to a message, so the last of each stream is enough. */
function acknowledgeAll(messages: readonly JsMsg[]): void {
  const last = new Map<string, JsMsg>();
  for (const message of messages) last.set(message.info.stream, message);
  for (const message of last.values()) message.ack();
}

/** What the trace is built from; bodies, state and the suspended are told of there. */
async function readable({ manager, names }: Broker): Promise<string[]> {
  const streams: string[] = [];
  for await (const stream of manager.streams.names(names.everything)) {
    if (names.isTold(stream)) streams.push(stream);
  }
  return streams;
}
