import { beginning } from '../beginning.ts';
import type { FoundFile } from './file-scan.ts';
import type { FileStore } from './file-store.ts';

/** Files up to this size are passed on in memory: for them, a stream costs more than it saves. */
const IN_MEMORY = 1024 * 1024;
/** How much of a large file is read to determine its type. */
const HEAD = 2_048;

/** The content of a file on its way to the engine. */
export interface FileBody {
  /** The first bytes, to determine the type. */
  readonly head: Uint8Array;
  readonly body: Uint8Array | AsyncIterable<Uint8Array>;
  /** The error of reading, while the engine consumed the stream. */
  readonly problem: Error | undefined;
  /** Stops reading a stream that the engine did not consume to its end. */
  close(): Promise<void>;
}

/**
 * Reads a small file completely and begins to read a large one. Throws what the store throws;
 * `changed` if the file is no longer as it was found.
 */
export async function fileBody(store: FileStore, file: FoundFile): Promise<FileBody> {
  const chunks = store.read(file.path, file)[Symbol.asyncIterator]();
  const enough = file.size <= IN_MEMORY ? Number.POSITIVE_INFINITY : HEAD;
  const { head, ended } = await beginning(chunks, enough);
  if (!ended) return streamed(head, chunks);
  return { head, body: head, problem: undefined, close: () => Promise.resolve() };
}

function streamed(head: Uint8Array, rest: AsyncIterator<Uint8Array>): FileBody {
  let problem: Error | undefined;
  async function* stream(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield head;
      for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
        yield next.value;
      }
    } catch (error) {
      problem = asError(error);
      throw error;
    } finally {
      await rest.return?.();
    }
  }
  const body = stream();
  return {
    head,
    body,
    get problem() {
      return problem;
    },
    async close() {
      await body.return();
      // A generator that never started does not run its `finally`.
      await rest.return?.();
    },
  };
}

/** What a `catch` got; it is an Error unless a store breaks its contract. */
export function asError(caught: unknown): Error {
  return caught instanceof Error
    ? caught
    : new TypeError('something that is not an Error was thrown');
}
