/** Writes the encoding of TDS: little-endian, texts in UCS-2. */
export class TdsWriter {
  readonly #parts: Buffer[] = [];

  get bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  byte(...values: readonly number[]): this {
    return this.raw(Buffer.from(values));
  }

  short(value: number): this {
    const part = Buffer.alloc(2);
    part.writeUInt16LE(value);
    return this.raw(part);
  }

  int(value: number): this {
    const part = Buffer.alloc(4);
    part.writeInt32LE(value | 0);
    return this.raw(part);
  }

  long(value: bigint): this {
    const part = Buffer.alloc(8);
    part.writeBigInt64LE(BigInt.asIntN(64, value));
    return this.raw(part);
  }

  raw(bytes: Uint8Array): this {
    this.#parts.push(Buffer.from(bytes));
    return this;
  }

  /** A text with its length in characters before it, in one byte. */
  text(value: string): this {
    return this.byte(value.length).raw(Buffer.from(value, 'ucs2'));
  }

  /** The same with the length in two bytes. */
  longText(value: string): this {
    return this.short(value.length).raw(Buffer.from(value, 'ucs2'));
  }

  /** Something with its length in bytes before it, in two bytes. */
  sized(fill: (writer: TdsWriter) => void): this {
    const inner = new TdsWriter();
    fill(inner);
    return this.short(inner.bytes.length).raw(inner.bytes);
  }
}
