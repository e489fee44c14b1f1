import { beginning } from '../beginning.ts';
import type { FoundFile } from './file-scan.ts';
import { type FileStore, isFileProblem } from './file-store.ts';

/** Files up to this size are handed over in memory: below it, a stream costs more than it saves. */
const IN_MEMORY = 1024 * 1024;
/** Of a large file, how much is read before its type is told. */
const HEAD = 2_048;

/** The content of a file on its way to the engine. */
export interface FileBody {
  /** The first bytes, to tell the type. */
  readonly head: Uint8Array;
  readonly body: Uint8Array | AsyncIterable<Uint8Array>;
  /** What went wrong with reading, while the engine consumed the stream. */
  readonly problem: Error | undefined;
  /** Ends the reading of a stream that the engine did not consume to its end. */
  close(): Promise<void>;
}

/** Reads a small file whole and begins to read a large one. Throws what the store throws; `changed` where the file did not stay as it was found. */
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
      // A generator that was never asked for anything does not run its `finally`.
      await rest.return?.();
    },
  };
}

/** What a `catch` got, as the Error it is unless a store breaks its contract. */
export function asError(caught: unknown): Error {
  return caught instanceof Error
    ? caught
    : new TypeError('something that is not an Error was thrown');
}

/** Whether reading failed because of this one file, so that others may still be read. */
export function isOfThisFile(error: unknown): boolean {
  return isFileProblem(error, 'missing', 'denied', 'changed', 'failed');
}
