import { StorageType } from '@nats-io/jetstream';
import { type ObjectStore, Objm } from '@nats-io/obj';
import { describeError, EngineError } from '../error/engine-error.ts';
import type { Body } from '../message/body.ts';
import type { Broker } from './broker.ts';

/** The object store of bodies above the inline limit. */
export interface Bodies {
  /** Stores a stream under a key, a chunk at a time, and returns its size. */
  put(key: string, body: AsyncIterable<Uint8Array>): Promise<number>;
  /** A body that is read from the store each time it is asked for. */
  open(key: string, size: number): Body;
  remove(key: string): Promise<void>;
  /** Keys with their size and age, for the janitor. */
  list(): Promise<
    readonly { readonly key: string; readonly size: number; readonly stored: number }[]
  >;
}

export async function bodies({ jetstream, names }: Broker): Promise<Bodies> {
  const store = await new Objm(jetstream).create(names.bodies, { storage: StorageType.File });
  return {
    async put(key, body) {
      try {
        const { size } = await store.put(
          { name: key, options: { max_chunk_size: 256 * 1024 } },
          ReadableStream.from<Uint8Array>(body),
        );
        return size;
      } catch (error) {
        throw new EngineError(
          'QUEUE_UNAVAILABLE',
          `a large body could not be stored: ${describeError(error).text}`,
          { retryable: true },
        );
      }
    },
    open: (key, size) => ({
      size,
      inline: undefined,
      bytes: async () => {
        const whole = Buffer.allocUnsafe(size);
        let at = 0;
        for await (const chunk of read(store, key)) {
          whole.set(chunk, at);
          at += chunk.byteLength;
        }
        return whole.subarray(0, at);
      },
      stream: () => read(store, key),
    }),
    async remove(key) {
      await store.delete(key);
    },
    async list() {
      const all = await store.list();
      return all.map(({ name, size, mtime }) => ({ key: name, size, stored: Date.parse(mtime) }));
    },
  };
}

async function* read(store: ObjectStore, key: string): AsyncGenerator<Uint8Array> {
  const found = await store.get(key);
  if (found === null) {
    throw new EngineError('NOT_FOUND', `the large body ${key} is no longer in the store`);
  }
  // not `for await`: the stream must be cancelled when the consumer stops early, else its subscription stays
  const reader = found.data.getReader();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
    const error = await found.error;
    if (error !== null) {
      throw new EngineError('QUEUE_UNAVAILABLE', `the large body ${key} could not be read`, {
        retryable: true,
      });
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
