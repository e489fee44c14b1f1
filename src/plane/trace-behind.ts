import type { MissingRange, ProjectorFloor } from '../broker/stream-reader.ts';
import type { TraceStore } from '../trace/trace-store.ts';

/** What NATS knows to be read, and the trace does not have. */
export interface Behind {
  /** See `StreamRead`. */
  readonly id: string;
  readonly stream: string;
  /** Up to where the trace has it. */
  readonly read: number;
  /** Up to where it was read into it. */
  readonly floor: number;
  /** The first sequence that can be read again. */
  readonly first: number;
}

/** The streams of which less is in the trace than was acknowledged for it, as far as both are known. */
export function behindOf(
  floors: readonly ProjectorFloor[],
  read: ReadonlyMap<string, number>,
): readonly Behind[] {
  if (read.size === 0) return [];
  return floors
    .filter(isKnown)
    .map((floor) => ({ ...floor, read: read.get(floor.id) ?? 0 }))
    .filter(({ read: upTo, floor }) => upTo < floor);
}

const isKnown = <Of extends ProjectorFloor>(of: Of): of is Of & { readonly floor: number } =>
  of.floor !== undefined;

export interface GoneRange extends MissingRange, Pick<Behind, 'id'> {}

/** Of those, what no stream has any more. */
export const goneOf = (behind: readonly Behind[]): readonly GoneRange[] =>
  behind
    .map(({ id, stream, read, floor, first }) => ({
      id,
      stream,
      from: read + 1,
      to: Math.min(floor, first - 1),
    }))
    .filter(({ from, to }) => from <= to);

/**
 * Compares a trace, before anything is written into it, with what was acknowledged for it. A standby of PostgreSQL that
 * had not got everything, or a server that does not sync each commit, may lose the last seconds together with the plane
 * that wrote them, and files may be a copy that is older than the end of a plane that was killed; NATS would never deliver
 * what is missing again. Once it has succeeded it does nothing more.
 *
 * @param floors undefined if NATS did not say
 * @param onBehind called once if something is missing
 * @returns whether something was missing
 */
export function comparedOnce(
  store: Pick<TraceStore, 'readUpTo' | 'setReadUpTo'>,
  floors: readonly ProjectorFloor[] | undefined,
  onBehind: (behind: readonly Behind[]) => void,
): () => Promise<boolean> {
  const compare = async (): Promise<boolean> => {
    const read = await store.readUpTo();
    if (floors === undefined) return false;
    if (read.size === 0) {
      // the mark says whose it is. A stream that is not told of now would later count as not read at all
      const known = floors.filter(isKnown);
      if (known.length === floors.length) await store.setReadUpTo(known);
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
