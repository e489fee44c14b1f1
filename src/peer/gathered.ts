import type { Writable } from 'node:stream';

/**
 * A stream to which what is written in one turn of the event loop goes together: a system call for each small packet
 * costs more than making it. Nothing is held back for longer than that.
 */
export class Gathered {
  readonly #stream: Writable;
  #isGathering = false;

  constructor(stream: Writable) {
    this.#stream = stream;
  }

  write(bytes: Uint8Array): void {
    if (!this.#isGathering) {
      this.#isGathering = true;
      this.#stream.cork();
      process.nextTick(() => {
        this.#isGathering = false;
        this.#stream.uncork();
      });
    }
    this.#stream.write(bytes);
  }
}
