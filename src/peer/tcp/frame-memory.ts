/** Messages up to this size are not counted: connections are. */
const SMALL = 64 * 1024;
/** Bytes of all larger messages of this process that are not finished, or not answered yet. */
const ALL = 256 * 1_048_576;
/** Of those of one address, so that nobody alone takes all. */
const OF_ONE = ALL / 2;

/**
 * The memory that large messages of all senders take together, unfinished ones and those in work. Small ones, and most
 * are, are never looked up here.
 */
class FrameMemory {
  readonly #taken = new Map<string, number>();
  #all = 0;

  /** What one connection of an address may take; `limit` is the largest message that it may send, which always fits alone. */
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

/** That of all listeners of this process. */
export const frameMemory = new FrameMemory();

/** The part of one connection. */
export interface FrameShare {
  /** Whether a message may grow; then that is counted. */
  grow(from: number, to: number): boolean;
  /** A message of that size is gone. */
  release(size: number): void;
  close(): void;
}

/** For who is asked, and not asking: what peers answer is limited by its own setting. */
export const UNLIMITED: FrameShare = {
  grow: () => true,
  release: () => undefined,
  close: () => undefined,
};

const counted = (size: number): number => (size > SMALL ? size : 0);
