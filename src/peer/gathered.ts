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
    this.#gather();
    this.#stream.write(bytes);
  }

  /** From now on the same holds for what others write to the stream, such as a library that owns it. */
  static ofOthers(stream: Writable): void {
    const gathered = new Gathered(stream);
    const write = stream.write.bind(stream);
    stream.write = (...given: unknown[]): boolean => {
      gathered.#gather();
      return Reflect.apply(write, stream, given) as boolean;
    };
  }

  #gather(): void {
    if (this.#isGathering) return;
    this.#isGathering = true;
    this.#stream.cork();
    process.nextTick(() => {
      this.#isGathering = false;
      this.#stream.uncork();
    });
  }
}
