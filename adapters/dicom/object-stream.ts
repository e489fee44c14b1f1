/**
 * The data of one object on its way from the connection to the store: no more than one piece
 * waits, so that a slow store slows down the sender.
 */
export class ObjectStream implements AsyncIterableIterator<Buffer> {
  #piece: Buffer | undefined;
  #ended = false;
  #failure: Error | undefined;
  #abandoned = false;
  #arrived = Promise.withResolvers<void>();
  #taken = Promise.withResolvers<void>();

  /** Resolves once the piece is read, or reading has stopped. */
  async push(piece: Buffer): Promise<void> {
    if (this.#abandoned || this.#failure !== undefined || piece.length === 0) return;
    this.#piece = piece;
    this.#taken = Promise.withResolvers();
    this.#arrived.resolve();
    await this.#taken.promise;
  }

  end(): void {
    this.#ended = true;
    this.#arrived.resolve();
  }

  /** The reader gets this error. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#arrived.resolve();
    this.#taken.resolve();
  }

  async next(): Promise<IteratorResult<Buffer, undefined>> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      const piece = this.#piece;
      if (piece !== undefined) {
        this.#piece = undefined;
        this.#taken.resolve();
        return { done: false, value: piece };
      }
      if (this.#ended || this.#abandoned) return { done: true, value: undefined };
      this.#arrived = Promise.withResolvers();
      await this.#arrived.promise;
    }
  }

  /** The rest is not wanted: anything that still arrives is dropped. */
  async return(): Promise<IteratorResult<Buffer, undefined>> {
    this.#abandoned = true;
    this.#piece = undefined;
    this.#taken.resolve();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
