import type { FoundFile } from './file-scan.ts';
import { filterInTurns } from './in-turns.ts';

interface Seen {
  readonly size: number;
  readonly modified: number;
  /** When it was first seen in this state, by our own clock: the peer's may be wrong. */
  readonly since: number;
}

/** Remembers the state of files, to tell which of them nobody writes to any more. */
export interface Stillness {
  /** Takes in a listing and returns the files whose size and time have been unchanged for long enough. */
  settled<File extends FoundFile>(files: readonly File[]): Promise<readonly File[]>;
}

/**
 * A file is still once its size and time were the same for `time` milliseconds of our clock. With 0
 * every file is taken at first sight, which is right only if senders write under another name and
 * rename at the end.
 */
export function stillness(time: number, now: () => number = () => performance.now()): Stillness {
  let before = new Map<string, Seen>();
  return {
    async settled(files) {
      if (time === 0) return files;
      const at = now();
      const seen = new Map<string, Seen>();
      const settled = await filterInTurns(files, ({ path, size, modified }) => {
        const known = before.get(path);
        const same = known?.size === size && known.modified === modified;
        const state = same ? known : { size, modified, since: at };
        seen.set(path, state);
        return at - state.since >= time;
      });
      before = seen;
      return settled;
    },
  };
}
