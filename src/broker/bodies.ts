import { describeError, EngineError, isEngineError } from '../error/engine-error.ts';
import { toldElsewhere, unless } from '../error/foreseen.ts';
import type { Body } from '../message/body.ts';
import { isAway } from './away.ts';
import type { Broker } from './broker.ts';
import { ensureStream } from './streams.ts';

/** The id of the message that a body was made for. */
export const ownerOf = (bodyRef: string): number => Number(bodyRef.slice(1).split('.')[0]);

/** The store of bodies above the inline limit: a stream of chunks, with one subject per body. */
export interface Bodies {
  /** Stores a stream of bytes chunk by chunk and returns its place and size. */
  put(id: number, body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<StoredBody>;
  /** A body that is read from the store each time. */
  open(bodyRef: string, size: number): Body;
  remove(bodyRef: string): Promise<void>;
}

/** Whether the requested body is no longer stored. */
export const isGone = (error: unknown): boolean =>
  isEngineError(error) && (error.code === 'NOT_FOUND' || error.code === 'QUEUE_UNAVAILABLE');

export interface StoredBody {
  /** `b<id>.<sequence of the first chunk>`. */
  readonly bodyRef: string;
  readonly size: number;
}

const CHUNK = 256 * 1024;
const WINDOW = 8;

/**
 * JetStream's own object-store client was rejected: it reads without back-pressure, so a slow
 * receiver of a 500 MB file would hold all of it in memory. Here a reader requests one chunk after
 * another.
 */
export async function bodies(broker: Broker): Promise<Bodies> {
  const { names, manager } = broker;
  await ensureStream(broker, names.bodies.stream, [names.bodies.subjects], {
    duplicateWindow: 60_000,
    limit: -1,
  });
  return {
    put: (id, body) => putChunks(broker, id, body),
    open: (bodyRef, size) => ({
      size,
      inline: undefined,
      bytes: async () => {
        const whole = Buffer.allocUnsafe(size);
        let at = 0;
        for await (const chunk of readChunks(broker, bodyRef, size)) {
          whole.set(chunk, at);
          at += chunk.byteLength;
        }
        return whole;
      },
      stream: () => readChunks(broker, bodyRef, size),
    }),
    async remove(bodyRef) {
      await manager.streams.purge(names.bodies.stream, { filter: subjectOf(broker, bodyRef) });
    },
  };
}

const subjectOf = ({ names }: Broker, bodyRef: string): string =>
  names.bodies.subject(bodyRef.split('.')[0] ?? '');

/**
 * If a body breaks off, what was stored of it is removed. An error of its source is thrown
 * unchanged, since the sender should see that one and not one of the store.
 */
async function putChunks(
  { jetstream, manager, names }: Broker,
  id: number,
  body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<StoredBody> {
  const key = `b${id}`;
  const subject = names.bodies.subject(key);
  const sending = new Set<Promise<number>>();
  let first: Promise<number> | undefined;
  let size = 0;
  try {
    for await (const chunk of chunksOf(body)) {
      const sent = jetstream.publish(subject, chunk).then(({ seq }) => seq);
      first ??= sent;
      sending.add(sent);
      // a failed one stays in the set: the next wait throws its error
      sent.then(() => sending.delete(sent), toldElsewhere);
      size += chunk.byteLength;
      if (sending.size >= WINDOW) await Promise.race(sending);
    }
    await Promise.all(sending);
    return { bodyRef: `${key}.${(await first) ?? 0}`, size };
  } catch (error) {
    await Promise.allSettled(sending);
    await manager.streams
      .purge(names.bodies.stream, { filter: subject })
      .catch(unless(isAway, 'removing a body that broke off'));
    if (isEngineError(error)) throw error;
    throw new EngineError(
      'QUEUE_UNAVAILABLE',
      `a large body could not be stored: ${describeError(error).text}`,
      { retryable: true },
    );
  }
}

/** Splits or joins the incoming data into chunks of equal size. */
async function* chunksOf(
  body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let size = 0;
  for await (const part of body) {
    let rest = part;
    while (size + rest.byteLength >= CHUNK) {
      const taken = rest.subarray(0, CHUNK - size);
      yield Buffer.concat([...held, taken]);
      rest = rest.subarray(taken.byteLength);
      held = [];
      size = 0;
    }
    if (rest.byteLength > 0) {
      held.push(rest);
      size += rest.byteLength;
    }
  }
  if (size > 0) yield Buffer.concat(held);
}

async function* readChunks(
  broker: Broker,
  bodyRef: string,
  size: number,
): AsyncGenerator<Uint8Array> {
  const { manager, names } = broker;
  const subject = subjectOf(broker, bodyRef);
  let seq = Number(bodyRef.split('.')[1] ?? 1);
  for (let read = 0; read < size; seq++) {
    const chunk = await manager.direct
      .getMessage(names.bodies.stream, { seq, next_by_subj: subject })
      .catch((error: unknown) => {
        throw new EngineError(
          'QUEUE_UNAVAILABLE',
          `a large body could not be read: ${describeError(error).text}`,
          { retryable: true },
        );
      });
    if (chunk === null) {
      throw new EngineError('NOT_FOUND', `the large body ${bodyRef} is no longer in the store`);
    }
    seq = chunk.seq;
    read += chunk.data.byteLength;
    yield chunk.data;
  }
}
