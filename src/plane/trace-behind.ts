import type { MissingRange, ProjectorFloor } from '../broker/stream-reader.ts';
import type { TraceStore } from '../trace/trace-store.ts';

/** What NATS knows to be read, and the trace does not have. */
export interface Behind {
  readonly stream: string;
  /** Up to where the trace has it. */
  readonly read: number;
  /** Up to where it was read into it. */
  readonly floor: number;
  /** The first sequence that can be read again. */
  readonly first: number;
}

/** The streams of which less is in the trace than was acknowledged for it. */
export function behindOf(
  floors: readonly ProjectorFloor[],
  read: ReadonlyMap<string, number>,
): readonly Behind[] {
  return floors
    .map((floor) => ({ ...floor, read: read.get(floor.stream) ?? 0 }))
    .filter(({ read: upTo, floor }) => upTo < floor);
}

/** Of those, what no stream has any more. */
export const goneOf = (behind: readonly Behind[]): readonly MissingRange[] =>
  behind
    .map(({ stream, read, floor, first }) => ({
      stream,
      from: read + 1,
      to: Math.min(floor, first - 1),
    }))
    .filter(({ from, to }) => from <= to);

/**
 * Compares a trace, before anything is written into it, with what was acknowledged for it. A standby of PostgreSQL that
 * had not got everything, or a server that does not sync each commit, may lose the last seconds together with the plane
 * that wrote them; NATS would never deliver them again. Once it has succeeded it does nothing more.
 *
 * @param onBehind called once if something is missing
 * @returns whether something was missing
 */
export function comparedOnce(
  store: Pick<TraceStore, 'readUpTo' | 'apply'>,
  floors: readonly ProjectorFloor[],
  onBehind: (behind: readonly Behind[]) => void,
): () => Promise<boolean> {
  const compare = async (): Promise<boolean> => {
    const read = await store.readUpTo();
    if (read === undefined) return false;
    if (read.size === 0) {
      // of a version that did not keep it, or new: the mark says whose it is, and from here on it is known
      await store.apply([], floors);
      return false;
    }
    const behind = behindOf(floors, read);
    if (behind.length > 0) onBehind(behind);
    return behind.length > 0;
  };
  let running: Promise<boolean> | undefined;
  return () => {
    running ??= compare().catch((error: unknown) => {
      // it is asked again
      running = undefined;
      throw error;
    });
    return running;
  };
}
