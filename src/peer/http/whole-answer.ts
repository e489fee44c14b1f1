import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import type { Dispatcher } from 'undici';
import { RejectedError, TemporaryError } from '../../error/adapter-error.ts';
import { describeSize } from '../../time/size.ts';
import { placeOfUrl } from './http-exchange.ts';

export type RequestBody = Exclude<Dispatcher.DispatchOptions['body'], undefined>;

/** A request as it is sent, including the sign-in. */
export interface SignedRequest {
  readonly method: Dispatcher.HttpMethod;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Called each time it has to be sent. */
  readonly body: () => RequestBody;
  readonly signal: AbortSignal;
}

export interface WholeAnswer {
  readonly status: number;
  /** Names in lower case; repeated ones are joined with a comma. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface AnswerReading {
  /** Bytes: a longer answer is a RejectedError, since a retry would get it again. */
  readonly limit: number;
  /** Called when the peer begins to answer. */
  readonly begun: () => void;
}

/**
 * Sends a request and collects its answer. Rejects with undici's error if there is none, and as
 * soon as `signal` aborts.
 */
export function wholeAnswer(
  dispatcher: Dispatcher,
  request: SignedRequest,
  reading: AnswerReading,
): Promise<WholeAnswer> {
  const { method, url, headers, body, signal } = request;
  if (signal.aborted) return Promise.reject(signal.reason as Error);
  const gathering = new Gathering(request, reading);
  const path = `${url.pathname}${url.search}`;
  dispatcher.dispatch({ origin: url.origin, path, method, headers, body: body() }, gathering);
  return gathering.answer;
}

/**
 * Collects an answer as it arrives. For a body that is wanted as a whole this takes half the time
 * of a stream with its own back-pressure, and nothing can be left unread.
 */
class Gathering implements Dispatcher.DispatchHandler {
  readonly #request: SignedRequest;
  readonly #reading: AnswerReading;
  readonly #whole = Promise.withResolvers<WholeAnswer>();
  readonly #chunks: Buffer[] = [];
  #size = 0;
  #status = 0;
  #headers: Readonly<Record<string, string>> = {};
  #controller: Dispatcher.DispatchController | undefined;

  constructor(request: SignedRequest, reading: AnswerReading) {
    this.#request = request;
    this.#reading = reading;
    request.signal.addEventListener('abort', this);
  }

  get answer(): Promise<WholeAnswer> {
    return this.#whole.promise;
  }

  /** Called when the signal aborts. A request that still waits for a connection is given up when it gets one. */
  handleEvent(): void {
    const reason = this.#request.signal.reason as Error;
    this.#fail(reason);
    this.#controller?.abort(reason);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    const { signal } = this.#request;
    this.#controller = controller;
    if (signal.aborted) controller.abort(signal.reason as Error);
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    // A status below 200 is not an answer yet.
    if (status < 200) return;
    this.#status = status;
    this.#headers = joined(headers);
    this.#reading.begun();
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#size += chunk.byteLength;
    // Thrown, it ends the request.
    if (this.#size > this.#reading.limit) throw tooLarge(this.#request.url, this.#reading.limit);
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.#request.signal.removeEventListener('abort', this);
    const body = Buffer.concat(this.#chunks, this.#size);
    this.#whole.resolve({ status: this.#status, headers: this.#headers, body });
  }

  onResponseError(_: unknown, error: Error): void {
    this.#fail(error);
  }

  #fail(error: Error): void {
    this.#request.signal.removeEventListener('abort', this);
    this.#whole.reject(error);
  }
}

/** Undici reports names in lower case. */
function joined(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Readonly<Record<string, string>> {
  const all: Record<string, string> = {};
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    if (value !== undefined) all[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return all;
}

function tooLarge(url: URL, limit: number): RejectedError {
  return new RejectedError(
    `The answer of ${placeOfUrl(url)} is larger than ${describeSize(limit)}. The peer has the message; raise replyLimit if the answer matters.`,
  );
}

type Unpack = (packed: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

const UNPACK: Readonly<Record<string, Unpack>> = {
  gzip: promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip),
  'x-gzip': promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip),
  deflate: promisify<Buffer, { maxOutputLength: number }, Buffer>(inflate),
  br: promisify<Buffer, { maxOutputLength: number }, Buffer>(brotliDecompress),
};

/** The decompressed body of an answer. One that decompresses to more than `limit` bytes is a RejectedError. */
export async function unpacked(
  { body, headers }: WholeAnswer,
  { limit, url }: { readonly limit: number; readonly url: URL },
): Promise<Buffer> {
  const encoding = headers['content-encoding'] ?? '';
  const unpack = UNPACK[encoding.trim().toLowerCase()];
  if (unpack === undefined || body.length === 0) return body;
  try {
    return await unpack(body, { maxOutputLength: limit });
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(url, limit);
    throw new TemporaryError(
      `${placeOfUrl(url)} compressed its answer as ${encoding.slice(0, 20)}, and it cannot be decompressed. Look at the log of the peer.`,
    );
  }
}
