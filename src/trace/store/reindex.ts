import { isTold, tolerate } from '../../error/foreseen.ts';
import { idAtTime, timeOfId } from '../../message/id.ts';
import { pause } from '../../time/pause.ts';
import type { ScopeId } from '../scope.ts';
import { CONTROL_ID, searchFingerprint, searchOfFingerprint } from '../search-fields.ts';
import type { SearchKey } from '../trace-input.ts';
import type { Indexing, TracePage, TraceQuery } from '../trace-query.ts';
import type { ReindexOptions, ReindexReport } from '../trace-store.ts';
import type { StoredBody } from '../traced-message.ts';
import { endOfDay, startOfDay } from './day.ts';

type Maybe<Result> = Promise<Result> | Result;

/** Messages per transaction. */
export const REINDEXED_AT_ONCE = 200;

/** The note of a store about what `reindex` does. */
export const INDEXING = 'indexing';

const HOUR = 3_600_000;

/** A day, or `held`: the unit that is marked as indexed. */
export interface IndexedPart {
  readonly name: string;
  readonly messages: number;
  /** The fingerprint of the search fields whose keys it has; undefined or empty if not known. */
  readonly indexed: string | undefined;
}

/** Scopes whose keys are removed together, and sessions whose keys are read again. */
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
  readonly branch: number | null;
  readonly body: number | null;
}

export interface OwnedKey {
  readonly scope: ScopeId;
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
  /** Removes the keys of these search fields, or all. */
  clear(range: IndexedRange, names: readonly string[] | undefined): Maybe<unknown>;
  /** At most `REINDEXED_AT_ONCE`, in the order of sessions. */
  messagesAfter(range: IndexedRange, after: IndexedPlace): Maybe<readonly BodyPlace[]>;
  body(id: number): Maybe<StoredBody | undefined>;
  /** Returns how many are new. */
  put(part: string, keys: readonly OwnedKey[]): Maybe<number>;
  /** Marks a part, if it still exists, as indexed under a name. */
  mark(part: string, fingerprint: string): Maybe<unknown>;
  /** The note `INDEXING`. */
  note(): Maybe<string | undefined>;
  setNote(text: string | undefined): Maybe<unknown>;
}

/** What the note contains: how far a job came, so that one cut short goes on there. */
interface Progress extends Indexing {
  /** The fingerprint it works towards. */
  readonly to: string;
  readonly part: string;
  /** The lowest session of the last range of the part that is done. */
  readonly done?: number | undefined;
}

/** Which keys of a part have to be rebuilt. */
interface Change {
  /** Search fields whose keys are no longer right; undefined if all. */
  readonly gone: readonly string[] | undefined;
  /** Those to read from the bodies. */
  readonly read: ReadonlySet<string>;
}

/**
 * Rebuilds the keys of search fields that are new or have another path, newest first; those of all others stay as they
 * are, and are found meanwhile. It takes at most half of a processor's time. A job cut short goes on at the same hour.
 * Meanwhile new messages get their keys from the projector.
 */
export async function reindex(
  store: IndexedStore,
  options: ReindexOptions,
): Promise<ReindexReport> {
  const { search, onBegin } = options;
  const to = searchFingerprint(search);
  const begun = await resumed(store, to);
  const parts = await store.stale(to);
  const changes = parts.map(({ name, indexed }) => ({ name, change: changeOf(indexed, search) }));
  const fields = [...new Set(changes.flatMap(({ change }) => [...change.read]))];
  const report = { days: parts.length, messages: 0, keys: 0, failed: 0 };
  const messages = parts.reduce((sum, part) => sum + part.messages, 0);
  // a new trace has parts, which are marked, and nothing in them
  if (messages > 0) onBegin?.({ days: parts.length, messages, fields });
  let progress: Progress = begun ?? { to, part: '', fields, backTo: Date.now() };
  for (const { name, change } of changes) {
    if (progress.part !== name) progress = { ...progress, part: name, done: undefined };
    await store.setNote(JSON.stringify(progress));
    for (const range of store.ranges(name)) {
      if (progress.done !== undefined && range.low >= progress.done) continue;
      await store.clear(range, change.gone);
      if (change.read.size > 0) await fill(store, range, { ...options, change, report });
      // what is held began on other days
      const backTo =
        name === 'held' ? progress.backTo : Math.min(progress.backTo, timeOfId(range.low));
      progress = { ...progress, done: range.low, backTo };
      await store.setNote(JSON.stringify(progress));
    }
    await store.mark(name, to);
  }
  await store.setNote(undefined);
  return report;
}

/** How far an earlier job for the same fields got. */
async function resumed(store: IndexedStore, to: string): Promise<Progress | undefined> {
  const before = progressOf(await store.note());
  if (before === undefined || before.to === to) return before;
  // its part has keys of a third set, so none of them is trusted
  await store.mark(before.part, '');
  return undefined;
}

/** The hours of a day, the last first; before them, the time in which branches of its sessions began later. */
export function rangesOfDay(day: string): IndexedRange[] {
  const later = { part: day, low: idAtTime(endOfDay(day)), high: Number.MAX_SAFE_INTEGER };
  return [later, ...hoursOf(day)];
}

function hoursOf(day: string): IndexedRange[] {
  return Array.from({ length: 24 }, (_, number) => {
    const start = startOfDay(day) + (23 - number) * HOUR;
    return { part: day, low: idAtTime(start), high: idAtTime(start + HOUR) - 1 };
  });
}

async function fill(
  store: IndexedStore,
  range: IndexedRange,
  {
    change,
    keys,
    report,
    signal,
  }: Pick<ReindexOptions, 'keys' | 'signal'> & {
    readonly change: Change;
    readonly report: { messages: number; keys: number; failed: number };
  },
): Promise<void> {
  const keysOf = async ({ id, session_id, branch, body }: BodyPlace): Promise<OwnedKey[]> => {
    // if it has no body of its own, another message of the session has the same bytes
    const stored = body === null ? undefined : await store.body(id);
    if (stored === undefined) return [];
    try {
      return (await keys(stored))
        .filter(({ name }) => change.read.has(name))
        .map((key) => ({ scope: branch ?? session_id, key }));
    } catch (error) {
      // it is counted and reported, and has no keys
      tolerate(error, isTold, 'reading the search fields of a message');
      report.failed++;
      return [];
    }
  };
  let after: IndexedPlace = { session_id: range.low - 1, id: Number.MAX_SAFE_INTEGER };
  for (;;) {
    signal?.throwIfAborted();
    const began = performance.now();
    const rows = await store.messagesAfter(range, after);
    const last = rows.at(-1);
    if (last === undefined) return;
    const found: OwnedKey[] = [];
    for (const row of rows) found.push(...(await keysOf(row)));
    report.keys += await store.put(range.part, found);
    report.messages += rows.length;
    after = last;
    // the projector and the API share this thread
    await pause(performance.now() - began, signal);
  }
}

function changeOf(indexed: string | undefined, search: ReadonlyMap<string, string>): Change {
  const old = searchOfFingerprint(indexed);
  if (old === undefined) return { gone: undefined, read: new Set([CONTROL_ID, ...search.keys()]) };
  return { gone: differing(old, search), read: new Set(differing(search, old)) };
}

/** The fields of one that the other does not have with the same path. */
function differing(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): string[] {
  return [...one]
    .filter(([name, path]) => name !== CONTROL_ID && other.get(name) !== path)
    .map(([name]) => name);
}

function progressOf(note: string | undefined): Progress | undefined {
  return note === undefined ? undefined : (JSON.parse(note) as Progress);
}

/** What the note `INDEXING` says. */
export function indexingOf(note: string | undefined): Indexing | undefined {
  const progress = progressOf(note);
  if (progress === undefined || progress.fields.length === 0) return undefined;
  const { fields, backTo } = progress;
  return { fields, backTo };
}

/** Adds to a page what could not be found yet, given the note `INDEXING`. */
export function withIndexing(
  page: TracePage,
  { search = {}, anyOf }: TraceQuery,
  note: string | undefined,
): TracePage {
  const indexing = indexingOf(note);
  if (indexing === undefined) return page;
  // a message of now may be in a session that began long ago: what counts is how far back sessions were searched
  if (anyOf === undefined && page.complete && page.searchedBackTo > indexing.backTo) return page;
  const fields =
    anyOf === undefined ? indexing.fields.filter((name) => name in search) : indexing.fields;
  return fields.length === 0 ? page : { ...page, indexing: { ...indexing, fields } };
}
