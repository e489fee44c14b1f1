import { randomBytes } from 'node:crypto';
import { open, rm, stat, statfs, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { background } from '../../error/background.ts';
import { EngineError } from '../../error/engine-error.ts';
import { isSystemError, toldElsewhere, tolerate, unless } from '../../error/foreseen.ts';
import { pause } from '../../time/pause.ts';

const MEGABYTE = 1_048_576;
/** Bytes that are left to what empties the queues; of a small disk an eighth. */
const LEFT = 128 * MEGABYTE;
/** Milliseconds between two looks. While messages come, one holds for so long, and for this share of what is left. */
const EVERY = 1_000;
const HOLDS = 200;
const SHARE = 1 / 8;
/** There is room again once there is so much more than was left. */
const AGAIN = 1.25;

/** The room on the disk of the embedded NATS. */
export interface DiskRoom {
  /** Why a service may not take so many bytes more; undefined while there is room. */
  readonly refusal: (bytes: number) => Promise<EngineError | undefined>;
  /** Whether there is no room now. */
  readonly isFull: () => boolean;
  close(): Promise<void>;
}

export interface DiskRoomOptions {
  /** The data folder of the engine that runs the server. */
  readonly folder: string;
  /** Called when there is no room any more, with the megabytes that are left and how many it takes to go on; and when there is again. */
  readonly onChange: (change: { readonly left: number; readonly wanted: number } | 'room') => void;
}

/**
 * On a full disk JetStream can neither acknowledge nor remove anything, so that nothing that waits would be sent and the
 * disk stayed full. So services stop taking messages while there is still room, and some of that is put aside in a file:
 * if others fill the disk, it is given up for what empties the queues.
 */
// oxlint-disable-next-line max-lines-per-function -- a factory: its closures share the state above them
export function diskRoom({ folder, onChange }: DiskRoomOptions): DiskRoom {
  const reserve = new Reserve(join(folder, 'reserve'));
  const closed = new AbortController();
  let full: EngineError | undefined;
  let at = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> | undefined;
  // bytes taken since the last look, and for how many it holds
  let taken = 0;
  let holds = 0;
  // what a large one may take at most, and what is told of the rest
  let spare = Number.POSITIVE_INFINITY;
  let megabytes = 0;

  const see = async (): Promise<void> => {
    const { bavail, blocks, bsize } = await statfs(folder);
    const free = bavail * bsize;
    const least = Math.min(LEFT, (blocks * bsize) / 8);
    holds = least * SHARE;
    const fitted = reserve.fit(free, least);
    const aside = await fitted.catch(unless(isSystemError, 'putting room aside'));
    const left = free + (aside ?? 0);
    spare = left - least;
    megabytes = Math.floor(left / MEGABYTE);
    const wanted = full === undefined ? least : least * AGAIN;
    if (left >= wanted) {
      if (full !== undefined) onChange('room');
      full = undefined;
      return;
    }
    const goesOn = Math.ceil((least * AGAIN) / MEGABYTE);
    if (full === undefined) onChange({ left: megabytes, wanted: goesOn });
    full = refused(megabytes);
  };
  const look = (): Promise<void> => {
    at = performance.now();
    taken = 0;
    looking ??= see().finally(() => {
      looking = undefined;
    });
    return looking;
  };
  const watch = async (): Promise<void> => {
    while (!closed.signal.aborted) {
      await look().catch(unless(isSystemError, 'looking at the disk of NATS'));
      await pause(EVERY, closed.signal, { ref: false });
    }
  };
  const watching = watch();
  background(watching, 'looking at the disk of NATS');
  return {
    refusal: async (bytes) => {
      taken += bytes;
      if (taken > holds || performance.now() - at > HOLDS)
        background(look(), 'looking at the disk of NATS', isSystemError);
      // all wait for a look that is under way, so that none overtakes another
      await looking?.catch(toldElsewhere);
      return full ?? (bytes > Math.max(holds, spare) ? refused(megabytes) : undefined);
    },
    isFull: () => full !== undefined,
    async close() {
      closed.abort();
      await watching;
    },
  };
}

const refused = (left: number): EngineError =>
  new EngineError(
    'QUEUE_FULL',
    `the disk of NATS has ${left} MB left, which are kept for sending what waits: let it be sent, or free more`,
    { retryable: true },
  );

/** A file that takes room while there is little, so that it can be given up. */
class Reserve {
  readonly #path: string;
  /** Undefined until it is known what an earlier engine left. */
  #size: number | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Puts room aside when it becomes scarce; gives it up when there is none or enough. Resolves to how much there was. */
  async fit(free: number, least: number): Promise<number> {
    const before = (this.#size ??= await sizeOf(this.#path));
    if (this.#size === 0) {
      if (free > least / 2 && free < 2 * least) {
        await this.#take(Math.floor(Math.min(least, free) / 2));
      }
    } else if (free < least / 8 || free > 3 * least) {
      await this.#give();
    }
    return before;
  }

  async #take(size: number): Promise<void> {
    // what a file system cannot compress
    const block = randomBytes(Math.min(size, MEGABYTE));
    const file = await open(this.#path, 'w', 0o600);
    try {
      for (let at = 0; at < size; at += block.length) await file.write(block);
      this.#size = size;
    } finally {
      await file.close();
      if (this.#size === 0) await rm(this.#path, { force: true });
    }
  }

  async #give(): Promise<void> {
    // who still reads it, such as a backup, would keep its room
    await truncate(this.#path, 0);
    this.#size = 0;
    await rm(this.#path, { force: true });
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    return tolerate(error, isSystemError, 'looking for room that was put aside') ?? 0;
  }
}
