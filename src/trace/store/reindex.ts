import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { isTold, tolerate } from '../../error/foreseen.ts';
import type { SearchKey } from '../trace-input.ts';
import type { ReindexOptions, ReindexReport } from '../trace-store.ts';
import type { StoredBody } from '../traced-message.ts';

type Maybe<Result> = Promise<Result> | Result;

/** Messages per transaction. */
export const REINDEXED_AT_ONCE = 200;

/** A day, or `held`: the unit that is marked as indexed. */
export interface IndexedPart {
  readonly name: string;
  readonly messages: number;
}

/** Sessions whose keys are removed and read again together. */
export interface IndexedRange {
  readonly part: string;
  readonly low: number;
  readonly high: number;
}

/** How far a range has been read. */
export interface IndexedPlace {
  readonly session_id: number;
  readonly id: number;
}

export interface BodyPlace extends IndexedPlace {
  readonly body: number | null;
}

export interface OwnedKey {
  readonly sessionId: number;
  readonly key: SearchKey;
}

/** What a store provides to rebuild its search keys. */
export interface IndexedStore {
  /**
   * What was indexed under a different name, newest first; whatever begins from now on counts as
   * indexed under this one.
   */
  stale(fingerprint: string): Maybe<readonly IndexedPart[]>;
  /** Newest first. */
  ranges(part: string): readonly IndexedRange[];
  clear(range: IndexedRange): Maybe<unknown>;
  /** At most `REINDEXED_AT_ONCE`, in the order of sessions. */
  messagesAfter(range: IndexedRange, after: IndexedPlace): Maybe<readonly BodyPlace[]>;
  body(id: number): Maybe<StoredBody | undefined>;
  /** Returns how many are new. */
  put(part: string, keys: readonly OwnedKey[]): Maybe<number>;
  finish(part: string, fingerprint: string): Maybe<unknown>;
}

/**
 * Rebuilds all keys, newest first: those of a range of sessions are removed, then read from their
 * bodies. A part is marked when it is finished, so an interrupted job repeats only the unfinished
 * part. Meanwhile new messages get their keys from the projector.
 */
export async function reindex(
  store: IndexedStore,
  { fingerprint, keys, progress, signal }: ReindexOptions,
): Promise<ReindexReport> {
  const stale = await store.stale(fingerprint);
  const total = stale.reduce((sum, { messages }) => sum + messages, 0);
  const report = { days: stale.length, messages: 0, keys: 0, failed: 0 };
  const keysOf = async ({ id, session_id, body }: BodyPlace): Promise<OwnedKey[]> => {
    // if it has no body of its own, another message of the session has the same bytes
    const stored = body === null ? undefined : await store.body(id);
    if (stored === undefined) return [];
    try {
      return (await keys(stored)).map((key) => ({ sessionId: session_id, key }));
    } catch (error) {
      // it is counted and reported, and has no keys
      tolerate(error, isTold, 'reading the search fields of a message');
      report.failed++;
      return [];
    }
  };
  const fill = async (range: IndexedRange): Promise<void> => {
    let after: IndexedPlace = { session_id: range.low - 1, id: Number.MAX_SAFE_INTEGER };
    for (;;) {
      signal?.throwIfAborted();
      const rows = await store.messagesAfter(range, after);
      const last = rows.at(-1);
      if (last === undefined) return;
      const found: OwnedKey[] = [];
      for (const row of rows) found.push(...(await keysOf(row)));
      report.keys += await store.put(range.part, found);
      report.messages += rows.length;
      progress?.({ day: range.part, done: report.messages, total });
      after = last;
      await yieldToOthers();
    }
  };
  for (const { name } of stale) {
    for (const range of store.ranges(name)) {
      await store.clear(range);
      await fill(range);
    }
    await store.finish(name, fingerprint);
  }
  return report;
}
