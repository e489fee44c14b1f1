import { FileError } from '../folder/file-store.ts';

/** Bodies up to this size go in one request, larger ones in parts of this size, which grow with their number. */
const PART = 8 * 1024 * 1024;
/** What Amazon takes; together they are 500 GB. */
const MOST_PARTS = 10_000;
const partSize = (part: number): number => PART * 2 ** Math.floor(part / 2_000);

/** An object that is written in parts. */
export interface Upload {
  /** `number` begins with 1. */
  part(bytes: Uint8Array, number: number): Promise<void>;
  complete(): Promise<void>;
  /** Removes the parts of an upload that failed: nobody else does. */
  abandon(): Promise<void>;
}

/** Writes a body whole if it is small, otherwise in parts as they come. */
export async function putInParts(
  body: AsyncIterable<Uint8Array>,
  {
    whole,
    upload,
  }: {
    readonly whole: (bytes: Uint8Array) => Promise<void>;
    readonly upload: () => Promise<Upload>;
  },
): Promise<void> {
  const parts = inParts(body);
  const begun = await parts.next();
  const first = begun.done === true ? new Uint8Array() : begun.value;
  const second = begun.done === true ? undefined : await parts.next();
  if (second === undefined || second.done === true) return await whole(first);
  const uploading = await upload();
  try {
    await uploading.part(first, 1);
    await uploading.part(second.value, 2);
    let number = 2;
    for await (const bytes of parts) {
      number += 1;
      if (number > MOST_PARTS) throw new FileError('failed', 'The object has too many parts.');
      await uploading.part(bytes, number);
    }
    await uploading.complete();
  } catch (error) {
    await uploading.abandon();
    throw error;
  }
}

/** The body in pieces of one part each. */
async function* inParts(
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let held: Uint8Array[] = [];
  let size = 0;
  let part = 0;
  for await (const chunk of body) {
    held.push(chunk);
    size += chunk.byteLength;
    if (size < partSize(part)) continue;
    yield Buffer.concat(held);
    [held, size, part] = [[], 0, part + 1];
  }
  if (size > 0) yield held.length === 1 && held[0] !== undefined ? held[0] : Buffer.concat(held);
}
