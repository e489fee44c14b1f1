import type { FoundFrame } from './frame-source.ts';

/** Messages up to this size are not counted: connections are. */
const SMALL = 64 * 1024;
/** Bytes of all larger messages of this process that are not finished, or not answered yet. */
const ALL = 256 * 1_048_576;
/** The share of one address, so that no sender takes it all. */
const OF_ONE = ALL / 2;

/**
 * The memory taken by the large messages of all senders, unfinished or in work. Small messages, which most
 * are, are not counted.
 */
class FrameMemory {
  readonly #taken = new Map<string, number>();
  #all = 0;

  /** The share of one connection from an address; `limit` is the largest message that it may send, of which one always fits. */
  share(address: string, limit: number): FrameShare {
    let own = 0;
    const change = (bytes: number): void => {
      own += bytes;
      this.#all += bytes;
      const left = (this.#taken.get(address) ?? 0) + bytes;
      if (left > 0) this.#taken.set(address, left);
      else this.#taken.delete(address);
    };
    return {
      grow: (from, to) => {
        const more = counted(to) - counted(from);
        if (more === 0) return true;
        const ofOne = (this.#taken.get(address) ?? 0) + more;
        if (ofOne > Math.max(OF_ONE, limit) || this.#all + more > Math.max(ALL, 2 * limit)) {
          return false;
        }
        change(more);
        return true;
      },
      release: (size) => {
        if (counted(size) > 0) change(-size);
      },
      close: () => change(-own),
    };
  }
}

/** Shared by all listeners of this process. */
export const frameMemory = new FrameMemory();

/** The share of one connection. */
export interface FrameShare {
  /** Whether a message may grow; if so, the growth is counted. */
  grow(from: number, to: number): boolean;
  /** Releases a message of that size. */
  release(size: number): void;
  close(): void;
}

/** For outgoing connections, where answers are limited by a setting of their own. */
export const UNLIMITED: FrameShare = {
  grow: () => true,
  release: () => undefined,
  close: () => undefined,
};

const counted = (size: number): number => (size > SMALL ? size : 0);

/** How much is kept of a message that is too large, to answer it. */
const BEGINNING = 64 * 1024;

/** The message that is being read. Its memory is counted; a finished one stays counted until its taker releases it. */
export class PendingMessage {
  readonly #limit: number;
  readonly #share: FrameShare;
  readonly #bytes = new GrowingBuffer();

  constructor(limit: number, share: FrameShare) {
    this.#limit = limit;
    this.#share = share;
  }

  get size(): number {
    return this.#bytes.size;
  }

  /** Takes bytes; a result says that there is no room for them, and ends the reading. */
  add(bytes: Buffer): FoundFrame | undefined {
    const { size } = this;
    const isTooLarge = size + bytes.length > this.#limit;
    if (!isTooLarge && this.#share.grow(size, size + bytes.length)) {
      this.#bytes.add(bytes);
      return undefined;
    }
    this.#share.release(size);
    if (size < BEGINNING) this.#bytes.add(bytes.subarray(0, BEGINNING));
    const beginning = Buffer.from(this.#bytes.take().subarray(0, BEGINNING));
    return { kind: isTooLarge ? 'too-large' : 'no-room', beginning };
  }

  /** Everything so far; starts over. */
  take(): Buffer {
    return this.#bytes.take();
  }

  /** Gives up what there is; starts over. */
  drop(): void {
    this.#share.release(this.size);
    this.#bytes.clear();
  }
}

const NOTHING: Buffer = Buffer.alloc(0);
const LEAST = 16 * 1024;
/** Above this size it grows by this amount instead of doubling, because unused memory counts too. */
const MOST_AHEAD = 8 * 1_048_576;

/**
 * Bytes that arrive in parts. The first part is kept as is, so that a message in one chunk is
 * never copied; from the second part on they are collected in a buffer that doubles up to a size, so that a byte
 * is copied only a few times and many tiny parts cost no more than their bytes.
 */
class GrowingBuffer {
  #first: Buffer = NOTHING;
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
    this.#first = NOTHING;
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
