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
      release: (size) => change(-counted(size)),
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
