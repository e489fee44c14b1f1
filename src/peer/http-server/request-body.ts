import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { describeSize } from '../../time/size.ts';
import { beginning, continued } from '../beginning.ts';
import { Refusal } from './refusal.ts';
import type { Room } from './room.ts';

/** Bodies below this size are read into memory before they are delivered; larger ones are passed on as they arrive. */
const IN_MEMORY = 1_048_576;
/** The same for a body without a declared length. */
const IN_MEMORY_UNTOLD = 262_144;
/** How much of a larger body is read to determine its type. */
const HEAD = 2_048;
/** The maximum size of a body that is checked as a whole (a signature, a schema). */
const WHOLE = 64 * 1_048_576;

const NOTHING = Buffer.alloc(0);

export interface RequestBodyOptions {
  readonly limit: number;
  /** Tells a waiting client (`Expect: 100-continue`) to send the body. */
  readonly proceed: () => void;
  readonly room: Room;
  /** The sender's address: its share of the room is also limited. */
  readonly address: string;
}

/** The part of a request that is delivered. */
export interface Content {
  /** The first bytes, to determine the type. */
  readonly head: Uint8Array;
  /** All bytes, or a stream if there are many. */
  readonly body: Uint8Array | AsyncIterable<Uint8Array>;
}

/** The body of one request, read once, within a limit. */
export class RequestBody {
  readonly #request: IncomingMessage;
  readonly #limit: number;
  readonly #proceed: () => void;
  readonly #room: Room;
  readonly #address: string;
  /** Bytes as declared by the sender; undefined if it is sent in chunks. */
  readonly length: number | undefined;
  #held = 0;
  #whole: Promise<Buffer> | undefined;
  #begun = false;

  constructor(request: IncomingMessage, { limit, proceed, room, address }: RequestBodyOptions) {
    this.#request = request;
    this.length = toldLength(request);
    this.#limit = limit;
    this.#proceed = proceed;
    this.#room = room;
    this.#address = address;
  }

  get #isSmall(): boolean {
    return (this.length ?? Number.POSITIVE_INFINITY) <= IN_MEMORY;
  }

  /** Refuses a body that is too long before reading any of it. */
  check(): void {
    const { 'transfer-encoding': encoding } = this.#request.headers;
    // node decodes only the outermost one, and the rest would be delivered compressed
    if (encoding !== undefined && encoding.toLowerCase() !== 'chunked') {
      throw new Refusal(501, 'chunked is the only supported transfer encoding.', {
        headers: { connection: 'close' },
      });
    }
    if ((this.length ?? 0) > this.#limit) throw tooLarge(this.#limit);
  }

  /** All of it in memory, until `release`. */
  bytes(): Promise<Buffer> {
    return (this.#whole ??= this.length === 0 ? Promise.resolve(NOTHING) : this.#read());
  }

  /** The same, in the form that is delivered. */
  whole(): Promise<Content> {
    return this.bytes().then(wholeContent);
  }

  /** The body to deliver: a stream for a large body, unless it has been read already for a check. */
  content(): Promise<Content> {
    return this.#isSmall || this.#whole !== undefined ? this.whole() : this.#streamed();
  }

  async #streamed(): Promise<Content> {
    const chunks = this.#stream();
    const enough = this.length === undefined ? IN_MEMORY_UNTOLD : HEAD;
    const { head, ended } = await beginning(chunks, enough);
    if (!ended) return { head, body: continued(head, chunks) };
    this.#whole = Promise.resolve(head);
    return { head, body: head };
  }

  /** Releases the memory of the bytes. */
  release(): void {
    this.#room.leave(this.#address, this.#held);
    this.#held = 0;
  }

  /** The bytes as they arrive. Throws in the middle if there are too many, or if the sender disconnects. */
  async *#stream(): AsyncGenerator<Uint8Array, void, undefined> {
    let size = 0;
    this.#begin();
    for await (const chunk of this.#request) {
      const bytes = chunk as Buffer;
      size += bytes.byteLength;
      if (size > this.#limit) throw tooLarge(this.#limit);
      yield bytes;
    }
    if (!this.#request.complete) throw new Refusal(400, 'The body broke off.');
  }

  /** Reads and discards the rest, so that a client that is still sending reads the answer. */
  async drain(): Promise<void> {
    if (this.#isSmall || this.#request.readableEnded || this.#request.destroyed) return;
    if (!this.#begun && this.#request.headers.expect !== undefined) return;
    this.#request.resume();
    await once(this.#request, 'close', { signal: AbortSignal.timeout(1_000) }).catch(
      () => undefined,
    );
  }

  /** Uses events: for small bodies, which most are, reading with an iterator costs more than everything else. */
  #read(): Promise<Buffer> {
    const whole = Promise.withResolvers<Buffer>();
    const chunks: Buffer[] = [];
    let size = 0;
    const request = this.#request;
    const broken = (): void => {
      if (!request.complete) whole.reject(new Refusal(400, 'The body broke off.'));
    };
    request.on('data', (chunk: Buffer) => {
      size += chunk.byteLength;
      const refusal = this.#hold(size, chunk.byteLength);
      if (refusal === undefined) chunks.push(chunk);
      else whole.reject(refusal);
    });
    request.on('end', () =>
      whole.resolve(chunks.length === 1 ? (chunks[0] ?? NOTHING) : Buffer.concat(chunks)),
    );
    request.on('close', broken);
    this.#begin();
    return whole.promise;
  }

  #begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#proceed();
  }

  /** Why another chunk cannot be held; undefined if it can. */
  #hold(size: number, more: number): Refusal | undefined {
    if (size > this.#limit) return tooLarge(this.#limit);
    if (size > WHOLE) return tooLarge(WHOLE, ', since it is checked as a whole here');
    if (!this.#room.enter(this.#address, more)) return noRoom();
    this.#held += more;
    return undefined;
  }
}

const wholeContent = (bytes: Buffer): Content => ({ head: bytes, body: bytes });

function toldLength({ headers }: IncomingMessage): number | undefined {
  const { 'content-length': length, 'transfer-encoding': encoding } = headers;
  if (length !== undefined) return Number(length);
  return encoding === undefined ? 0 : undefined;
}

function tooLarge(limit: number, why = ''): Refusal {
  return new Refusal(413, `The body is larger than ${describeSize(limit)}${why}.`, {
    headers: { connection: 'close' },
    told: `its message is larger than ${describeSize(limit)}${why}`,
  });
}

function noRoom(): Refusal {
  return new Refusal(503, 'Too many large requests in progress. Send it again.', {
    headers: { 'retry-after': '5', connection: 'close' },
    told: 'the bodies of other requests use all the memory for bodies',
  });
}
