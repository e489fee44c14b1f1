/** A message is not there as a whole: its next packet has to come first. */
export class Incomplete extends Error {
  constructor() {
    super('more packets of this message have to come');
    this.name = 'Incomplete';
  }
}

/** Longer values are cut into chunks. */
const SHORT = 252;
const CHUNKED = 254;
const NULL = 255;

/** Reads what Oracle's TTC layer writes: numbers after their size, values after their length. */
export class TtcReader {
  readonly #bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.at >= this.#bytes.length;
  }

  byte(): number {
    return this.raw(1)[0] ?? 0;
  }

  raw(length: number): Buffer {
    if (this.at + length > this.#bytes.length) throw new Incomplete();
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  number(): number {
    const size = this.byte() & 0x7f;
    return size === 0 ? 0 : this.raw(size).readUIntBE(0, Math.min(size, 6));
  }

  /** Null for NULL, which Oracle does not tell apart from an empty text. */
  value(): Buffer | null {
    const length = this.byte();
    if (length === 0 || length === NULL) return null;
    if (length !== CHUNKED) return this.raw(length);
    const chunks: Buffer[] = [];
    for (;;) {
      const size = this.number();
      if (size === 0) return Buffer.concat(chunks);
      chunks.push(this.raw(size));
    }
  }

  skip(...kinds: readonly ('byte' | 'number')[]): void {
    for (const kind of kinds) this[kind]();
  }
}

export class TtcWriter {
  readonly #parts: Buffer[] = [];

  get bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  byte(...values: readonly number[]): this {
    this.#parts.push(Buffer.from(values.map((value) => value & 0xff)));
    return this;
  }

  raw(bytes: Buffer): this {
    this.#parts.push(bytes);
    return this;
  }

  number(...values: readonly number[]): this {
    for (const value of values) {
      if (value === 0) {
        this.byte(0);
        continue;
      }
      const size = value <= 0xff ? 1 : value <= 0xffff ? 2 : 4;
      const bytes = Buffer.alloc(size);
      bytes.writeUIntBE(value, 0, size);
      this.byte(size).raw(bytes);
    }
    return this;
  }

  value(bytes: Buffer | null): this {
    if (bytes === null || bytes.length === 0) return this.byte(0);
    if (bytes.length <= SHORT) return this.byte(bytes.length).raw(bytes);
    this.byte(CHUNKED);
    for (let at = 0; at < bytes.length; at += 32_767) {
      const chunk = bytes.subarray(at, at + 32_767);
      this.number(chunk.length).raw(chunk);
    }
    return this.number(0);
  }

  /** A text after its length, as names are written. */
  text(text: string): this {
    const bytes = Buffer.from(text);
    this.number(bytes.length);
    return bytes.length === 0 ? this : this.value(bytes);
  }
}
