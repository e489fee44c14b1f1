/** Reads the encoding of TDS: little-endian, texts in UCS-2. */
export class TdsReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number {
    return this.raw(1).readUInt8();
  }

  short(): number {
    return this.raw(2).readUInt16LE();
  }

  int(): number {
    return this.raw(4).readInt32LE();
  }

  long(): bigint {
    return this.raw(8).readBigInt64LE();
  }

  raw(count: number): Buffer {
    if (this.#at + count > this.#bytes.length) throw new Error('a message that is too short');
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  rest(): Buffer {
    return this.raw(this.#bytes.length - this.#at);
  }

  text(): string {
    return this.raw(this.byte() * 2).toString('ucs2');
  }
}
