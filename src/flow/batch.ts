import {
  type BatchPart,
  countOf,
  firstOf,
  holds,
  lacking,
  type PartList,
  type Pieces,
  sizeOf,
} from './batch-pieces.ts';

/** What is collected under a key, and not made into a message yet. */
export interface Batch extends PartList {
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

/** Milliseconds after which another part makes a batch whose closer is gone. */
export const TAKEN_OVER = 20 * 60_000;

/** The batch of the entry in which a part already is. */
export async function holderOf(
  { open, closed }: Batches,
  id: number,
  pieces: Pick<Pieces, 'read'>,
): Promise<Batch | ClosedBatch | undefined> {
  for (const batch of closed) if (await holds(batch, id, pieces)) return batch;
  return open !== undefined && (await holds(open, id, pieces)) ? open : undefined;
}

export const isClosed = (batch: Batch | undefined): batch is ClosedBatch =>
  batch !== undefined && 'closer' in batch;

/**
 * The entry after a part came; the same object if it changes nothing.
 * @param holder the batch of this entry in which it already is
 */
export function withPart(
  before: Batches,
  limits: BatchLimits,
  coming: Coming,
  holder: Batch | undefined,
): Batches {
  const { id, size, now } = coming;
  if (isClosed(holder)) {
    if (holder.closer === id || now - holder.at < TAKEN_OVER) return before;
    const others = before.closed.filter((batch) => batch !== holder);
    return { ...before, closed: [...others, { ...holder, closer: id, at: now }] };
  }
  const known = holder !== undefined;
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
  if (countOf(batch) >= count) return 'count';
  return sizeOf(batch) >= size ? 'size' : undefined;
}

/** The entry without some parts, since a person ended them or NATS lost them; the same object if it has none of them. */
export async function withoutParts(
  before: Batches,
  ids: ReadonlySet<number>,
  pieces: Pieces,
): Promise<Batches> {
  const open = before.open && (await remaining(before.open, ids, pieces));
  const closed: ClosedBatch[] = [];
  for (const batch of before.closed) {
    const rest = await remaining(batch, ids, pieces);
    const first = rest && firstOf(rest);
    if (rest === undefined || first === undefined) continue;
    closed.push(ids.has(rest.closer) ? { ...rest, closer: first } : rest);
  }
  const same = open === before.open && closed.every((batch, at) => batch === before.closed[at]);
  return same && closed.length === before.closed.length ? before : { open, closed };
}

/** Undefined if nothing remains. */
async function remaining<B extends Batch>(
  batch: B,
  ids: ReadonlySet<number>,
  pieces: Pieces,
): Promise<B | undefined> {
  const rest = await lacking(batch, ids, pieces);
  return countOf(rest) === 0 ? undefined : rest;
}
