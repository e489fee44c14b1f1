import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { describeSize } from 'waybill/adapter';
import { Refusal } from './refusal.ts';

/** Below this a body is read into memory before it is delivered; a larger one is passed on as it comes. */
const IN_MEMORY = 1_048_576;

const NOTHING = Buffer.alloc(0);

/** The body of one request, read once, within a limit. */
export class RequestBody {
  readonly #request: IncomingMessage;
  readonly #limit: number;
  readonly #proceed: () => void;
  #whole: Promise<Buffer> | undefined;
  #begun = false;

  /** `proceed` tells a client that waits for it (`Expect: 100-continue`) to send the body. */
  constructor(request: IncomingMessage, limit: number, proceed: () => void) {
    this.#request = request;
    this.#limit = limit;
    this.#proceed = proceed;
  }

  /** Bytes by the sender's own word; undefined for one that comes in pieces. */
  get length(): number | undefined {
    const { 'content-length': length, 'transfer-encoding': encoding } = this.#request.headers;
    if (length !== undefined) return Number(length);
    return encoding === undefined ? 0 : undefined;
  }

  get isSmall(): boolean {
    return (this.length ?? Number.POSITIVE_INFINITY) <= IN_MEMORY;
  }

  /** Refuses a body that is too long before any of it is read. */
  check(): void {
    if ((this.length ?? 0) > this.#limit) throw this.#tooLarge();
  }

  bytes(): Promise<Buffer> {
    return (this.#whole ??= this.#read());
  }

  /** The bytes as they come. Throws in the middle if there are too many, or if the sender breaks off. */
  async *stream(): AsyncGenerator<Uint8Array> {
    let size = 0;
    this.#begin();
    for await (const chunk of this.#request) {
      const bytes = chunk as Buffer;
      size += bytes.byteLength;
      if (size > this.#limit) throw this.#tooLarge();
      yield bytes;
    }
    if (!this.#request.complete) throw new Refusal(400, 'The body broke off.');
  }

  /** Reads on and throws away, so that the answer is read by a client that is still sending. */
  async drain(): Promise<void> {
    if (this.#request.readableEnded || this.#request.destroyed) return;
    if (!this.#begun && this.#request.headers.expect !== undefined) return;
    this.#request.resume();
    await once(this.#request, 'close', { signal: AbortSignal.timeout(1_000) }).catch(
      () => undefined,
    );
  }

  /** By events: for small bodies, and most are, reading as an iterator costs more than all the rest. */
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
      if (size > this.#limit) whole.reject(this.#tooLarge());
      else chunks.push(chunk);
    });
    request.on('end', () =>
      whole.resolve(chunks.length === 1 ? (chunks[0] ?? NOTHING) : Buffer.concat(chunks)),
    );
    request.on('error', broken);
    request.on('close', broken);
    this.#begin();
    return whole.promise;
  }

  #begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#proceed();
  }

  #tooLarge(): Refusal {
    return new Refusal(413, `The body is larger than ${describeSize(this.#limit)}.`, {
      headers: { connection: 'close' },
      told: `its message is larger than ${describeSize(this.#limit)}`,
    });
  }
}
