import type * as s3 from '@aws-sdk/client-s3';
import { type FileEntry, FileError, type FileFacts, type FileStore } from 'waybill/peer';
import { s3Failure } from './s3-failure.ts';

export type Sdk = typeof s3;

/** How objects are written. */
export interface Writing {
  readonly contentType?: string | undefined;
  /** Only if there is no object of that name; else throws `exists`. */
  readonly fresh?: boolean;
  readonly encryption?: 'AES256' | 'aws:kms' | undefined;
  readonly kmsKey?: string | undefined;
}

/** Bodies up to this size go in one request, larger ones in parts of this size: at most 10,000. */
const PART = 8 * 1024 * 1024;
const MOST_PARTS = 10_000;
/** Parts grow so that the number of parts is enough for what the service can hold. */
const partSize = (part: number): number => PART * 2 ** Math.floor(part / 2_000);

/** The objects of a bucket as files: what stands between slashes is a folder. An object appears at once and whole. */
export class S3Store implements FileStore {
  readonly #sdk: Sdk;
  readonly #client: s3.S3Client;
  readonly #bucket: string;
  readonly #place: string;

  constructor(
    { sdk, client }: { readonly sdk: Sdk; readonly client: s3.S3Client },
    bucket: string,
    place: string,
  ) {
    this.#sdk = sdk;
    this.#client = client;
    this.#bucket = bucket;
    this.#place = place;
  }

  /** Throws unless the bucket is there and may be listed. */
  async look(): Promise<void> {
    await this.#asked(() =>
      this.#client.send(new this.#sdk.ListObjectsV2Command({ Bucket: this.#bucket, MaxKeys: 1 })),
    );
  }

  async list(folder: string): Promise<readonly FileEntry[]> {
    const prefix = prefixOf(folder);
    const entries: FileEntry[] = [];
    let next: string | undefined;
    do {
      const page = await this.#asked(() =>
        this.#client.send(
          new this.#sdk.ListObjectsV2Command({
            Bucket: this.#bucket,
            Prefix: prefix,
            Delimiter: '/',
            ...(next !== undefined && { ContinuationToken: next }),
          }),
        ),
      );
      for (const { Key = '', Size = 0, LastModified } of page.Contents ?? []) {
        const name = Key.slice(prefix.length);
        // an empty object that stands for the folder itself
        if (name !== '')
          entries.push({ name, kind: 'file', size: Size, modified: seconds(LastModified) });
      }
      for (const { Prefix = '' } of page.CommonPrefixes ?? []) {
        const name = Prefix.slice(prefix.length, -1);
        if (name !== '') entries.push({ name, kind: 'folder', size: 0, modified: 0 });
      }
      next = page.NextContinuationToken;
    } while (next !== undefined);
    return entries;
  }

  async facts(path: string): Promise<FileFacts | undefined> {
    try {
      const { ContentLength = 0, LastModified } = await this.#asked(() =>
        this.#client.send(
          new this.#sdk.HeadObjectCommand({ Bucket: this.#bucket, Key: keyOf(path) }),
        ),
      );
      return { size: ContentLength, modified: seconds(LastModified) };
    } catch (error) {
      if (error instanceof FileError && error.problem === 'missing') return undefined;
      throw error;
    }
  }

  async *read(path: string, expected: FileFacts): AsyncGenerator<Uint8Array, void, undefined> {
    const { Body, ContentLength, LastModified } = await this.#asked(() =>
      this.#client.send(new this.#sdk.GetObjectCommand({ Bucket: this.#bucket, Key: keyOf(path) })),
    );
    if (ContentLength !== expected.size || seconds(LastModified) !== expected.modified) {
      (Body as { destroy?: () => void } | undefined)?.destroy?.();
      throw changed();
    }
    let size = 0;
    try {
      for await (const chunk of (Body ?? []) as AsyncIterable<Uint8Array>) {
        size += chunk.byteLength;
        yield chunk;
      }
    } catch (error) {
      throw s3Failure(error, this.#place);
    }
    if (size !== expected.size) throw changed();
  }

  write(path: string, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    return this.put(path, body, {}, signal);
  }

  /** Writes an object: in one request, or in parts if it is large. It appears once all of it is there. */
  async put(
    path: string,
    body: AsyncIterable<Uint8Array>,
    writing: Writing,
    signal: AbortSignal,
  ): Promise<void> {
    const parts = inParts(body);
    const begun = await parts.next();
    const first = begun.done === true ? new Uint8Array() : begun.value;
    const second = begun.done === true ? undefined : await parts.next();
    if (second === undefined || second.done === true) {
      await this.#asked(() =>
        this.#client.send(
          new this.#sdk.PutObjectCommand({
            ...this.#target(path, writing),
            ...onlyIfFresh(writing),
            Body: first,
          }),
          { abortSignal: signal },
        ),
      );
      return;
    }
    await this.#upload(path, { first, second: second.value, parts }, writing, signal);
  }

  async #upload(
    path: string,
    body: {
      readonly first: Uint8Array;
      readonly second: Uint8Array;
      readonly parts: AsyncGenerator<Uint8Array, void, undefined>;
    },
    writing: Writing,
    signal: AbortSignal,
  ): Promise<void> {
    const at = { Bucket: this.#bucket, Key: keyOf(path) };
    const { UploadId } = await this.#asked(() =>
      this.#client.send(new this.#sdk.CreateMultipartUploadCommand(this.#target(path, writing)), {
        abortSignal: signal,
      }),
    );
    const done: { ETag: string | undefined; PartNumber: number }[] = [];
    const send = async (bytes: Uint8Array): Promise<void> => {
      const PartNumber = done.length + 1;
      if (PartNumber > MOST_PARTS) throw new FileError('failed', 'The object has too many parts.');
      const part = { ...at, UploadId, PartNumber, Body: bytes };
      const { ETag } = await this.#client.send(new this.#sdk.UploadPartCommand(part), {
        abortSignal: signal,
      });
      done.push({ ETag, PartNumber });
    };
    await this.#asked(async () => {
      try {
        await send(body.first);
        await send(body.second);
        for await (const bytes of body.parts) await send(bytes);
        await this.#client.send(
          new this.#sdk.CompleteMultipartUploadCommand({
            ...at,
            ...onlyIfFresh(writing),
            UploadId,
            MultipartUpload: { Parts: done },
          }),
          { abortSignal: signal },
        );
      } catch (error) {
        await this.#abandon({ ...at, UploadId });
        throw error;
      }
    });
  }

  /** Parts that nobody completes are paid for. */
  async #abandon(upload: {
    readonly Bucket: string;
    readonly Key: string;
    readonly UploadId: string | undefined;
  }): Promise<void> {
    const abort = this.#client.send(new this.#sdk.AbortMultipartUploadCommand(upload));
    // any error: what went wrong before matters more, and the bucket's own rule for such parts removes them
    await abort.catch(() => undefined);
  }

  #target(path: string, { contentType, encryption, kmsKey }: Writing) {
    return {
      Bucket: this.#bucket,
      Key: keyOf(path),
      ...(contentType !== undefined && { ContentType: contentType }),
      ...(encryption !== undefined && { ServerSideEncryption: encryption }),
      ...(kmsKey !== undefined && { SSEKMSKeyId: kmsKey }),
    };
  }

  async rename(from: string, to: string): Promise<void> {
    if ((await this.facts(to)) !== undefined) {
      throw new FileError('exists', 'There is an object of that name.');
    }
    await this.replace(from, to);
  }

  /** A bucket cannot move: the object is copied within the server, and then removed. */
  async replace(from: string, to: string): Promise<void> {
    const source = keyOf(from).split('/').map(encodeURIComponent).join('/');
    await this.#asked(() =>
      this.#client.send(
        new this.#sdk.CopyObjectCommand({
          Bucket: this.#bucket,
          Key: keyOf(to),
          CopySource: `${this.#bucket}/${source}`,
        }),
      ),
    );
    await this.remove(from);
  }

  async remove(path: string): Promise<void> {
    await this.#asked(() =>
      this.#client.send(
        new this.#sdk.DeleteObjectCommand({ Bucket: this.#bucket, Key: keyOf(path) }),
      ),
    );
  }

  /** A folder is there as soon as something is in it. */
  makeFolder(): Promise<void> {
    return Promise.resolve();
  }

  async #asked<Value>(ask: () => Promise<Value>): Promise<Value> {
    try {
      return await ask();
    } catch (error) {
      throw s3Failure(error, this.#place);
    }
  }
}

const changed = (): FileError =>
  new FileError(
    'changed',
    'The object was changed while it was read. It is read again once it no longer changes.',
  );

/** A listing has fractions of seconds, a single object has none. */
const seconds = (time: Date | undefined): number =>
  Math.floor((time?.getTime() ?? 0) / 1_000) * 1_000;

const keyOf = (path: string): string => path.replace(/^\/+/, '');

const prefixOf = (folder: string): string => {
  const key = keyOf(folder).replace(/\/+$/, '');
  return key === '' ? '' : `${key}/`;
};

const onlyIfFresh = ({ fresh = false }: Writing): { readonly IfNoneMatch?: '*' } =>
  fresh ? { IfNoneMatch: '*' } : {};

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
  if (size > 0) yield Buffer.concat(held);
}
