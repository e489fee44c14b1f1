const LEAST = 16 * 1024;
/** Above this it grows by so much and does not double: what is not used yet is taken all the same. */
const MOST_AHEAD = 8 * 1_048_576;

/**
 * Bytes that arrive in parts. The first part is kept as it is, so that a message in one chunk is
 * never copied; from the second part on they are gathered in a buffer that doubles up to a size, so that a byte
 * is copied a few times at most and many tiny parts cost no more than their bytes.
 */
export class GrowingBuffer {
  #first: Buffer = Buffer.alloc(0);
  #store: Buffer | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(part: Buffer): void {
    const size = this.#size + part.length;
    if (this.#size === 0) {
      this.#first = part;
    } else {
      const store = this.#withRoomFor(size);
      part.copy(store, this.#size);
    }
    this.#size = size;
  }

  /** Everything so far; starts over. */
  take(): Buffer {
    const whole = this.#store?.subarray(0, this.#size) ?? this.#first;
    this.clear();
    return whole;
  }

  clear(): void {
    this.#first = Buffer.alloc(0);
    this.#store = undefined;
    this.#size = 0;
  }

  #withRoomFor(size: number): Buffer {
    const store = this.#store;
    if (store !== undefined && size <= store.length) return store;
    const grown = Buffer.allocUnsafe(Math.max(LEAST, size, aheadOf(store?.length ?? 0)));
    (store ?? this.#first).copy(grown, 0, 0, this.#size);
    this.#store = grown;
    return grown;
  }
}

const aheadOf = (length: number): number => length + Math.min(length, MOST_AHEAD);
