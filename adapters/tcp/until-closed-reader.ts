import {
  type FoundFrame,
  type FrameShare,
  type FrameSource,
  PendingMessage,
} from 'waybill/peer/tcp';

/** Reads one message, which ends with its connection. A connection without a byte holds none. */
export class UntilClosedReader implements FrameSource {
  readonly almostEnded = false;
  readonly #message: PendingMessage;
  #over = false;

  constructor(limit: number, share: FrameShare) {
    this.#message = new PendingMessage(limit, share);
  }

  get open(): boolean {
    return this.#message.size > 0;
  }

  get pending(): number {
    return this.#message.size;
  }

  push(chunk: Buffer): FoundFrame[] {
    if (this.#over) return [];
    const over = this.#message.add(chunk);
    this.#over = over !== undefined;
    return over === undefined ? [] : [over];
  }

  finish(): Buffer {
    return this.#message.take();
  }

  atEnd(): Buffer | undefined {
    return this.open ? this.finish() : undefined;
  }
}
