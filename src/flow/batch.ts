import { changeEntry, type Keyed, type KeyedPlace } from '../broker/keyed.ts';

/** A message that is collected, in the order in which they came. */
export interface BatchPart {
  readonly id: number;
  readonly size: number;
}

/** What is collected under a key, and not made into a message yet. */
export interface Batch {
  readonly parts: readonly BatchPart[];
  /** When the first part came, and when it is made at the latest. */
  readonly since: number;
  readonly until: number;
}

/** Why a batch takes no more parts. */
export type Closing = 'count' | 'size' | 'end' | 'time' | 'order';

/** A batch that is complete: one of its parts makes it, while that is worked on. */
export interface ClosedBatch extends Batch {
  readonly closer: number;
  readonly at: number;
  readonly why: Closing;
  /** Who ordered that nothing is made of it. */
  readonly discardedBy?: string | undefined;
}

/** The entry of a key: what takes parts, and what is being made, which usually is gone at once. */
export interface Batches {
  readonly open?: Batch | undefined;
  readonly closed: readonly ClosedBatch[];
}

export interface BatchLimits {
  readonly count: number;
  readonly size: number;
  /** Milliseconds since the first part. */
  readonly within: number;
}

/** A part that has come, or come back. */
export interface Coming extends BatchPart {
  readonly now: number;
  /** Whether it says that it is the last one. */
  readonly isEnd: boolean;
}

export const batchPlace = (host: string, key: string): KeyedPlace => ({ kind: 'batch', host, key });

/** Milliseconds after which another part makes a batch whose closer is gone. */
const TAKEN_OVER = 20 * 60_000;

export const sizeOf = ({ parts }: Batch): number => parts.reduce((sum, { size }) => sum + size, 0);

const has = ({ parts }: Batch, id: number): boolean => parts.some((part) => part.id === id);

/** The entry after a part came; the same object if it changes nothing. */
export function withPart(before: Batches, limits: BatchLimits, coming: Coming): Batches {
  const { id, size, now } = coming;
  const closed = before.closed.find((batch) => has(batch, id));
  if (closed !== undefined) {
    if (closed.closer === id || now - closed.at < TAKEN_OVER) return before;
    const others = before.closed.filter((batch) => batch !== closed);
    return { ...before, closed: [...others, { ...closed, closer: id, at: now }] };
  }
  const known = before.open !== undefined && has(before.open, id);
  const open = before.open ?? { parts: [], since: now, until: now + limits.within };
  const batch = known ? open : { ...open, parts: [...open.parts, { id, size }] };
  const why = whyClosed(batch, limits, coming, known);
  if (why === undefined) return known ? before : { ...before, open: batch };
  return { closed: [...before.closed, { ...batch, closer: id, at: now, why }] };
}

function whyClosed(
  batch: Batch,
  { count, size }: BatchLimits,
  { now, isEnd }: Coming,
  known: boolean,
): Closing | undefined {
  if (now >= batch.until) return 'time';
  if (known) return undefined;
  if (isEnd) return 'end';
  if (batch.parts.length >= count) return 'count';
  return sizeOf(batch) >= size ? 'size' : undefined;
}

/** The entry after a person ended one of its parts; the same object if it has no such part. */
export function withoutPart(before: Batches, id: number): Batches {
  const open = before.open && remaining(before.open, id);
  const closed = before.closed.flatMap((batch) => {
    const rest = remaining(batch, id);
    const [first] = rest?.parts ?? [];
    if (rest === undefined || first === undefined) return [];
    return rest.closer === id ? [{ ...rest, closer: first.id }] : [rest];
  });
  const same = open === before.open && closed.every((batch, at) => batch === before.closed[at]);
  return same && closed.length === before.closed.length ? before : { open, closed };
}

/** Undefined if nothing remains. */
function remaining<B extends Batch>(batch: B, id: number): B | undefined {
  if (!has(batch, id)) return batch;
  const parts = batch.parts.filter((part) => part.id !== id);
  return parts.length === 0 ? undefined : { ...batch, parts };
}

const NOTHING: Batches = { closed: [] };

/** See `changeEntry`. */
export const changeBatches = (
  keyed: Pick<Keyed, 'read' | 'replace'>,
  place: KeyedPlace,
  change: (before: Batches) => Batches,
): Promise<Batches> =>
  changeEntry(keyed, place, (before = NOTHING) => {
    const after = change(before);
    return { after, isEmpty: after.open === undefined && after.closed.length === 0 };
  });
