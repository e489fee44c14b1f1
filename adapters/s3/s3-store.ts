import type * as s3 from '@aws-sdk/client-s3';
import {
  DisableError,
  EngineError,
  NotConnectedError,
  TemporaryError,
  timerTime,
} from 'waybill/adapter';
import { connectionCause } from 'waybill/peer/basics';
import { type FileEntry, FileError, type FileFacts, type FileProblem } from 'waybill/peer/folder';
import {
  changedObject,
  type ObjectStore,
  type ObjectWriting,
  objectKey,
  objectPrefix,
  ofSize,
  putInParts,
  takenName,
  type Upload,
  unlessMissing,
  wholeSeconds,
} from 'waybill/peer/object-store';

export type Sdk = typeof s3;

/** How the server encrypts an object. */
export interface S3Encryption {
  readonly encryption?: 'AES256' | 'aws:kms' | undefined;
  readonly kmsKey?: string | undefined;
}

type Writing = ObjectWriting & S3Encryption;

interface S3About {
  readonly place: string;
  readonly keepsFresh: boolean;
  /** Milliseconds for a short answer. */
  readonly timeout: number;
}

export class S3Store implements ObjectStore<Writing> {
  readonly keepsFresh: boolean;
  readonly #sdk: Sdk;
  readonly #client: s3.S3Client;
  readonly #bucket: string;
  readonly #place: string;
  readonly #timeout: number;

  constructor(
    { sdk, client }: { readonly sdk: Sdk; readonly client: s3.S3Client },
    bucket: string,
    { place, keepsFresh, timeout }: S3About,
  ) {
    this.keepsFresh = keepsFresh;
    this.#timeout = timeout;
    this.#sdk = sdk;
    this.#client = client;
    this.#bucket = bucket;
    this.#place = place;
  }

  /** Throws unless the bucket is there and may be listed. */
  async look(): Promise<void> {
    await this.#briefly((within) =>
      this.#client.send(
        new this.#sdk.ListObjectsV2Command({ Bucket: this.#bucket, MaxKeys: 1 }),
        within,
      ),
    );
  }

  async list(folder: string): Promise<readonly FileEntry[]> {
    const prefix = objectPrefix(folder);
    const entries: FileEntry[] = [];
    let next: string | undefined;
    do {
      const page = await this.#briefly((within) =>
        this.#client.send(
          new this.#sdk.ListObjectsV2Command({
            Bucket: this.#bucket,
            Prefix: prefix,
            Delimiter: '/',
            ...(next !== undefined && { ContinuationToken: next }),
          }),
          within,
        ),
      );
      for (const { Key = '', Size = 0, LastModified } of page.Contents ?? []) {
        const name = Key.slice(prefix.length);
        // an empty object that stands for the folder itself
        if (name !== '')
          entries.push({ name, kind: 'file', size: Size, modified: wholeSeconds(LastModified) });
      }
      for (const { Prefix = '' } of page.CommonPrefixes ?? []) {
        const name = Prefix.slice(prefix.length, -1);
        if (name !== '') entries.push({ name, kind: 'folder', size: 0, modified: 0 });
      }
      next = page.NextContinuationToken;
    } while (next !== undefined);
    return entries;
  }

  facts(path: string): Promise<FileFacts | undefined> {
    return unlessMissing(this.#facts(path));
  }

  async #facts(path: string): Promise<FileFacts> {
    const { ContentLength = 0, LastModified } = await this.#briefly((within) =>
      this.#client.send(
        new this.#sdk.HeadObjectCommand({ Bucket: this.#bucket, Key: objectKey(path) }),
        within,
      ),
    );
    return { size: ContentLength, modified: wholeSeconds(LastModified) };
  }

  async *read(path: string, expected: FileFacts): AsyncGenerator<Uint8Array, void, undefined> {
    const { Body, ContentLength, LastModified } = await this.#asked(() =>
      this.#client.send(
        new this.#sdk.GetObjectCommand({ Bucket: this.#bucket, Key: objectKey(path) }),
      ),
    );
    if (ContentLength !== expected.size || wholeSeconds(LastModified) !== expected.modified) {
      (Body as { destroy?: () => void } | undefined)?.destroy?.();
      throw changedObject();
    }
    try {
      yield* ofSize((Body ?? []) as AsyncIterable<Uint8Array>, expected.size);
    } catch (error) {
      throw s3Failure(error, this.#place);
    }
  }

  write(path: string, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    return this.put(path, body, {}, signal);
  }

  put(
    path: string,
    body: AsyncIterable<Uint8Array>,
    writing: Writing,
    abortSignal: AbortSignal,
  ): Promise<void> {
    const target = this.#target(path, writing);
    const condition = writing.fresh === true ? { IfNoneMatch: '*' as const } : {};
    return this.#asked(() =>
      putInParts(body, {
        whole: async (Body) => {
          const command = new this.#sdk.PutObjectCommand({ ...target, ...condition, Body });
          await this.#client.send(command, { abortSignal });
        },
        upload: () => this.#upload(target, condition, abortSignal),
      }),
    );
  }

  async #upload(
    target: { readonly Bucket: string; readonly Key: string },
    condition: { readonly IfNoneMatch?: '*' },
    abortSignal: AbortSignal,
  ): Promise<Upload> {
    const { Bucket, Key } = target;
    const { UploadId } = await this.#client.send(
      new this.#sdk.CreateMultipartUploadCommand(target),
      { abortSignal },
    );
    const at = { Bucket, Key, UploadId };
    const Parts: { ETag: string | undefined; PartNumber: number }[] = [];
    return {
      part: async (Body, PartNumber) => {
        const part = new this.#sdk.UploadPartCommand({ ...at, PartNumber, Body });
        const { ETag } = await this.#client.send(part, { abortSignal });
        Parts.push({ ETag, PartNumber });
      },
      complete: async () => {
        const all = { ...at, ...condition, MultipartUpload: { Parts } };
        const command = new this.#sdk.CompleteMultipartUploadCommand(all);
        await this.#client.send(command, { abortSignal });
      },
      abandon: async () => {
        const abort = this.#client.send(new this.#sdk.AbortMultipartUploadCommand(at));
        // any error: what went wrong before matters more, and the bucket's own rule for such parts removes them
        await abort.catch(() => undefined);
      },
    };
  }

  #target(path: string, { contentType, encryption, kmsKey }: Writing) {
    return {
      Bucket: this.#bucket,
      Key: objectKey(path),
      ...(contentType !== undefined && { ContentType: contentType }),
      ...(encryption !== undefined && { ServerSideEncryption: encryption }),
      ...(kmsKey !== undefined && { SSEKMSKeyId: kmsKey }),
    };
  }

  async rename(from: string, to: string): Promise<void> {
    if ((await this.facts(to)) !== undefined) throw takenName();
    await this.replace(from, to);
  }

  /** A bucket cannot move: the object is copied within the server, and then removed. */
  async replace(from: string, to: string): Promise<void> {
    const source = objectKey(from).split('/').map(encodeURIComponent).join('/');
    await this.#asked(() =>
      this.#client.send(
        new this.#sdk.CopyObjectCommand({
          Bucket: this.#bucket,
          Key: objectKey(to),
          CopySource: `${this.#bucket}/${source}`,
        }),
      ),
    );
    await this.remove(from);
  }

  async remove(path: string): Promise<void> {
    await this.#briefly((within) =>
      this.#client.send(
        new this.#sdk.DeleteObjectCommand({ Bucket: this.#bucket, Key: objectKey(path) }),
        within,
      ),
    );
  }

  /** A folder is there as soon as something is in it. */
  makeFolder(): Promise<void> {
    return Promise.resolve();
  }

  /** As `asked`, for short answers: the limit of the SDK is one of silence, which a server that says a byte now and then never reaches. */
  #briefly<Value>(
    ask: (within: { readonly abortSignal: AbortSignal }) => Promise<Value>,
  ): Promise<Value> {
    return this.#asked(() => ask({ abortSignal: AbortSignal.timeout(timerTime(this.#timeout)) }));
  }

  async #asked<Value>(ask: () => Promise<Value>): Promise<Value> {
    try {
      return await ask();
    } catch (error) {
      throw s3Failure(error, this.#place);
    }
  }
}

/** What the service says of itself where it cannot be used at all. */
const REFUSED: Readonly<Record<string, string>> = {
  InvalidAccessKeyId:
    'The server does not know the access key. Correct the credential, or make a new key.',
  SignatureDoesNotMatch:
    'The secret does not fit the access key. Correct the credential; a proxy that changes the address also breaks the signature.',
  InvalidToken: 'The session token is not accepted. Get a new one.',
  ExpiredToken: 'The session token has expired. Get a new one.',
  TokenRefreshRequired: 'The session token has expired. Get a new one.',
  AccountProblem: 'The account is suspended. Ask its owner.',
  RequestTimeTooSkewed:
    'The clocks differ by more than 15 minutes. Correct the clock of this machine.',
  NoSuchBucket: 'There is no such bucket. Correct bucket, region or endpoint.',
  InvalidBucketName: 'The name of the bucket is not one. Correct bucket.',
  PermanentRedirect: 'The bucket is in another region. Correct region.',
  AuthorizationHeaderMalformed: 'The bucket is in another region. Correct region.',
  IllegalLocationConstraintException: 'The bucket is in another region. Correct region.',
  CredentialsProviderError:
    'There is no credential here: neither in the settings nor in the environment, a profile or the role of this machine. Set credential.',
};

const PROBLEMS: Readonly<Record<string, readonly [FileProblem, text: string]>> = {
  NoSuchKey: ['missing', 'There is no such object.'],
  NotFound: ['missing', 'There is no such object.'],
  AccessDenied: [
    'denied',
    'The server denies it. Give the key the right, or look at the bucket’s policy.',
  ],
  Forbidden: [
    'denied',
    'The server denies it. Give the key the right, or look at the bucket’s policy.',
  ],
  PreconditionFailed: ['exists', 'There is an object of that name.'],
  ConditionalRequestConflict: ['exists', 'Somebody else writes an object of that name.'],
  QuotaExceeded: ['full', 'The quota of the bucket is used up.'],
  EntityTooLarge: ['failed', 'The object is larger than the server takes.'],
  KMSAccessDenied: [
    'denied',
    'The key of the encryption may not be used. Give the account the right to use it.',
  ],
};

/** What the SDK throws, as our error. Its text is not kept: it may contain the name of an object. */
function s3Failure(error: unknown, place: string): Error {
  if (error instanceof EngineError) return error;
  const { name = '', $metadata } = error as {
    name?: string;
    $metadata?: { httpStatusCode?: number };
  };
  const status = $metadata?.httpStatusCode ?? 0;
  const refused = REFUSED[name];
  if (refused !== undefined) return new DisableError(refused);
  const [problem, text] = PROBLEMS[name] ?? byStatus(status) ?? [];
  if (problem !== undefined && text !== undefined) return new FileError(problem, text);
  return unanswered(error, place) ?? answered(status, name, place) ?? notReached(error, place);
}

const answered = (status: number, name: string, place: string): Error | undefined =>
  status >= 300
    ? new TemporaryError(
        `${place} answered with status ${status} (${name.slice(0, 60)}). Look at its log.`,
      )
    : undefined;

function notReached(error: unknown, place: string): Error {
  const { cause, remedy } = connectionCause(error, place);
  return new NotConnectedError(`Not connected: ${cause}. ${remedy}.`, { cause: error });
}

/** The SDK calls a connection that was closed a TimeoutError too; an AbortError is our own limit. */
function unanswered(error: unknown, place: string): Error | undefined {
  const { name, code } = error as { readonly name?: unknown; readonly code?: unknown };
  if (name !== 'TimeoutError' && name !== 'AbortError') return undefined;
  if (code === 'ECONNRESET' || code === 'EPIPE') {
    const { cause, remedy } = connectionCause(error, place);
    return new TemporaryError(`${cause}. ${remedy}.`, { cause: error });
  }
  return new TemporaryError(`${place} did not answer in time. Look at its load, or raise timeout.`);
}

/** An answer without a body, as to HEAD, has no code. */
function byStatus(status: number): readonly [FileProblem, string] | undefined {
  if (status === 403) return PROBLEMS['AccessDenied'];
  if (status === 404) return PROBLEMS['NoSuchKey'];
  return status === 412 || status === 409 ? PROBLEMS['PreconditionFailed'] : undefined;
}
