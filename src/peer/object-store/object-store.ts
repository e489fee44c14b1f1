import { FileError, type FileStore } from '../folder/file-store.ts';

/** How an object is written. */
export interface ObjectWriting {
  readonly contentType?: string | undefined;
  /** Only if there is no object of that name; else throws `exists`. */
  readonly fresh?: boolean;
}

/**
 * Objects (blobs) of a bucket or container as files: what stands between slashes is a folder. An object appears at once
 * and whole, so no temporary name is needed.
 */
export interface ObjectStore<Writing extends ObjectWriting = ObjectWriting> extends FileStore {
  /** Whether every server it speaks to knows the condition of `fresh`. */
  readonly keepsFresh: boolean;
  /** Throws unless the bucket is there and may be listed. */
  look(): Promise<void>;
  /** Writes an object: in one request, or in parts if it is large. It appears once all of it is there. */
  put(
    path: string,
    body: AsyncIterable<Uint8Array>,
    writing: Writing,
    signal: AbortSignal,
  ): Promise<void>;
}

export const objectKey = (path: string): string => path.replace(/^\/+/, '');

/** What the names of a folder's objects begin with. */
export const objectPrefix = (folder: string): string => {
  const key = objectKey(folder).replace(/\/+$/, '');
  return key === '' ? '' : `${key}/`;
};

/** Listings and headers of one object do not agree in fractions of seconds. */
export const wholeSeconds = (time: Date | undefined): number =>
  Math.floor((time?.getTime() ?? 0) / 1_000) * 1_000;

export const changedObject = (): FileError =>
  new FileError(
    'changed',
    'The object was changed while it was read. It is read again once it no longer changes.',
  );

export const takenName = (): FileError =>
  new FileError('exists', 'There is an object of that name.');

/** What `facts` says of an object: `missing` means that there is none. */
export async function unlessMissing<Facts>(asking: Promise<Facts>): Promise<Facts | undefined> {
  try {
    return await asking;
  } catch (error) {
    if (error instanceof FileError && error.problem === 'missing') return undefined;
    throw error;
  }
}

/** Passes on what is read, and throws `changed` if it is not as long as it should be. */
export async function* ofSize(
  chunks: AsyncIterable<Uint8Array>,
  expected: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.byteLength;
    yield chunk;
  }
  if (size !== expected) throw changedObject();
}
