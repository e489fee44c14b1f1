import type { Body } from '../../message/body.ts';
import { type FileStore, isFileProblem } from './file-store.ts';

/** Whether a file in the store has exactly this body. Reads it only if the sizes agree. */
export async function hasSameBytes(
  store: Pick<FileStore, 'facts' | 'read'>,
  path: string,
  body: Body,
): Promise<boolean> {
  const facts = await store.facts(path);
  if (facts === undefined || facts.size !== body.size) return false;
  const ours = steady(body.stream());
  try {
    for await (const chunk of store.read(path, facts)) {
      const expected = await ours.next(chunk.byteLength);
      if (!Buffer.from(chunk).equals(expected)) return false;
    }
    return true;
  } catch (error) {
    // It may be removed or become unreadable while we look: then we do not know that it is ours.
    if (isFileProblem(error, 'missing', 'changed', 'denied')) return false;
    throw error;
  } finally {
    await ours.close();
  }
}

/** Reads a stream in pieces of the requested sizes. */
function steady(stream: AsyncIterable<Uint8Array>): {
  next(size: number): Promise<Uint8Array>;
  close(): Promise<void>;
} {
  const chunks = stream[Symbol.asyncIterator]();
  let left: Uint8Array = new Uint8Array();
  return {
    async next(size) {
      const pieces: Uint8Array[] = [];
      for (let missing = size; missing > 0; ) {
        if (left.byteLength === 0) {
          const { done, value } = await chunks.next();
          if (done === true) break;
          left = value;
        }
        const piece = left.subarray(0, missing);
        left = left.subarray(piece.byteLength);
        missing -= piece.byteLength;
        pieces.push(piece);
      }
      return Buffer.concat(pieces);
    },
    async close() {
      await chunks.return?.();
    },
  };
}
