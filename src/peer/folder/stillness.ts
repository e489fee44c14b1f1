import type { FoundFile } from './file-scan.ts';
import { filterInTurns } from './in-turns.ts';

interface Seen {
  readonly size: number;
  readonly modified: number;
  /** When it was first seen in this state, by our own clock: the peer's may be wrong. */
  readonly since: number;
  /** Since when it has not been still. */
  readonly first: number;
}

/** Milliseconds that a file may change until people are told. */
const RESTLESS = 15 * 60_000;

/** Remembers the state of files, to tell which of them nobody writes to any more. */
export interface Stillness {
  /**
   * Milliseconds until a file of the latest listing may be still, for the next look; longer from look to look while
   * some are not, and Infinity if all are.
   */
  readonly next: number;
  /** Takes in a listing and returns the files whose size and time have been unchanged for long enough. */
  settled<File extends FoundFile>(files: readonly File[]): Promise<readonly File[]>;
}

/**
 * A file is still once its size and time were the same for `time` milliseconds of our clock. With 0
 * every file is taken at first sight, which is right only if senders write under another name and
 * rename at the end.
 *
 * @param onRestless called once for a file that has not been still for a quarter of an hour
 */
export function stillness(
  time: number,
  onRestless: (file: FoundFile, duration: number) => void = () => undefined,
  now: () => number = () => performance.now(),
): Stillness {
  let before = new Map<string, Seen>();
  let told = new Set<string>();
  /** Looks in a row that found files which were not still. */
  let looks = 0;
  return {
    get next() {
      return looks === 0 ? Number.POSITIVE_INFINITY : time * 2 ** (looks - 1);
    },
    async settled(files) {
      if (time === 0) return files;
      const at = now();
      const seen = new Map<string, Seen>();
      const restless = new Set<string>();
      const settled = await filterInTurns(files, (file) => {
        const { path, size, modified } = file;
        const known = before.get(path);
        const same = known?.size === size && known.modified === modified;
        const state = same ? known : { size, modified, since: at, first: known?.first ?? at };
        const isStill = at - state.since >= time;
        seen.set(path, isStill ? { ...state, first: at } : state);
        if (isStill) return true;
        if (at - state.first >= RESTLESS + time) {
          if (!told.has(path)) onRestless(file, at - state.first);
          restless.add(path);
        }
        return false;
      });
      looks = settled.length < files.length ? looks + 1 : 0;
      before = seen;
      told = restless;
      return settled;
    },
  };
}
