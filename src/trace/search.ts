import { EngineError } from '../error/engine-error.ts';
import { idAtTime, timeOfId } from '../message/id.ts';
import { WorkTurn } from '../time/work-turn.ts';
import { keyMatches } from './key-value.ts';
import { hasOwn, holdingOthers } from './others.ts';
import { isUnplacedPart, scopeOf } from './scope.ts';
import { openKeyTest, type ScopeReader, shownTest } from './shown-to.ts';
import {
  FIND_LIMIT,
  FIND_LIMIT_MAX,
  FIND_TIME_BUDGET,
  type TracePage,
  type TraceQuery,
} from './trace-query.ts';
import type { FindOptions } from './trace-store.ts';
import type { TracedMessage } from './traced-message.ts';

/**
 * A part of the search, newest end first. Ordered by `id`, the bounds are message ids; ordered by
 * `scope` they are ids of scopes, and from the newest scope only messages below `belowId` are
 * included.
 */
export interface SearchPart {
  readonly order: 'id' | 'scope';
  readonly low: number;
  readonly high: number;
  readonly belowId?: number | undefined;
}

export type LargeBody = (ref: string, size: number) => Promise<Uint8Array | undefined>;

/** What a search needs from a store. */
export interface SearchedStore extends ScopeReader {
  /** The lowest bound that makes sense: of all ids, or of scopes that have a message at or after `from`. */
  bottom(order: SearchPart['order'], from: number | undefined): Promise<number> | number;
  /** The newest message's id, at which a search begins. */
  top(): Promise<number> | number;
  /** The newest candidates of a span in its order; `rowTest` has not been applied yet. */
  candidates(span: SearchPart, limit: number): Promise<TracedMessage[]> | TracedMessage[];
  /** The bytes of a body in the object store; undefined if there is none. */
  readonly largeBody: LargeBody;
}

const HOUR = 3_600_000;
/** Milliseconds of the first slice of a search that must check every row. */
const FIRST_SLICE = 10 * 60_000;
/** A slice that took less time is followed by a wider one, one that took more by a narrower. */
const FAST = 5;
const SLOW = 40;
/** Bodies read between two checks of the clock and the signal. */
const BODIES_AT_ONCE = 100;
/**
 * The least milliseconds for a search for values if some matches are hidden from the viewer: a page
 * cut short after many candidates would reveal that there are candidates.
 */
const HIDDEN_BUDGET = 60_000;

/**
 * Walks back through time in slices, until the page is full, everything has been searched, or the
 * time is up. Slices make a long search resumable and interruptible on a synchronous database.
 */
export async function search(
  query: TraceQuery,
  store: SearchedStore,
  { signal, shown }: FindOptions = {},
): Promise<TracePage> {
  const walk = await beginning(query, store);
  const limit = limitOf(query);
  const end = performance.now() + budgetOf(query);
  const test = rowTest(query, store, shown);
  const items: TracedMessage[] = [];
  const turn = new WorkTurn();
  /** Some were left out: it may take many to fill the page. */
  let leavesOut = test?.readsBodies === true;
  while (walk.high >= walk.bottom && items.length < limit) {
    signal?.throwIfAborted();
    const want = leavesOut ? BODIES_AT_ONCE : limit - items.length;
    const span = walk.span();
    const began = performance.now();
    const rows = await store.candidates(span, want);
    const before = items.length;
    const all = await take(rows, { walk, items, limit, test });
    leavesOut ||= items.length - before < rows.length;
    const now = performance.now();
    if (all && rows.length < want) walk.finished(span, now - began);
    if (now > end) break;
    if (turn.isOver()) await turn.next();
  }
  return withShared(page(items, walk), query, store);
}

async function withShared(
  found: TracePage,
  { search: asked }: TraceQuery,
  store: SearchedStore,
): Promise<TracePage> {
  const shared = await holdingOthers(found.items, keyMatches(asked), store);
  return shared.length === 0 ? found : { ...found, shared };
}

const limitOf = ({ limit = FIND_LIMIT }: TraceQuery): number =>
  Math.min(Math.max(1, limit), FIND_LIMIT_MAX);

function budgetOf({ timeBudget = FIND_TIME_BUDGET, search: asked, visible }: TraceQuery): number {
  const hides = visible !== undefined && keyMatches(asked).length > 0;
  return hides ? Math.max(timeBudget, HIDDEN_BUDGET) : timeBudget;
}

interface RowTest {
  readonly isHit: (row: TracedMessage) => Promise<boolean>;
  /** It is slow, and few may pass it. */
  readonly readsBodies: boolean;
}

/** The conditions without an index, checked row by row, if any; cheap ones first. */
function rowTest(
  query: TraceQuery,
  store: SearchedStore,
  shown: FindOptions['shown'],
): RowTest | undefined {
  const { contains, search: asked, visible } = query;
  const text = contains === undefined ? undefined : Buffer.from(contains);
  const isShown = shownTest(query, shown);
  const keys = keyMatches(asked);
  const hasKeys = openKeyTest(keys, visible, { store, reader: shown?.keys });
  const readsBodies = text !== undefined || isShown !== undefined || hasKeys !== undefined;
  if (!readsBodies && keys.length === 0) return undefined;
  return {
    readsBodies,
    isHit: async (row) =>
      (isShown === undefined || isShown(row)) &&
      (hasKeys === undefined || (await hasKeys(scopeOf(row)))) &&
      (keys.length === 0 || !isUnplacedPart(row) || (await hasOwn(row, keys, store))) &&
      (text === undefined || (await holds(store, row.id, text))),
  };
}

async function holds(store: SearchedStore, id: number, text: Buffer): Promise<boolean> {
  const stored = await store.body(id);
  const bytes =
    stored?.ref === undefined ? stored?.bytes : await store.largeBody(stored.ref, stored.size);
  if (bytes === undefined) return false;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(text);
}

/** Takes the matching candidates until the page is full; returns whether all of them were checked. */
async function take(
  rows: readonly TracedMessage[],
  {
    walk,
    items,
    limit,
    test,
  }: {
    readonly walk: Walk;
    readonly items: TracedMessage[];
    readonly limit: number;
    readonly test: RowTest | undefined;
  },
): Promise<boolean> {
  for (const row of rows) {
    if (items.length === limit) return false;
    walk.passed(row);
    if (test === undefined || (await test.isHit(row))) items.push(row);
  }
  return true;
}

function page(items: readonly TracedMessage[], walk: Walk): TracePage {
  const complete = walk.high < walk.bottom;
  return {
    items,
    next: complete ? undefined : walk.cursor(),
    searchedBackTo: timeOfId(Math.max(complete ? walk.bottom : walk.high, 0)),
    complete,
  };
}

async function beginning(query: TraceQuery, store: SearchedStore): Promise<Walk> {
  const keys = keyMatches(query.search);
  const order = keys.length > 0 ? 'scope' : 'id';
  const lowest = await store.bottom(order, query.from);
  const bottom =
    order === 'id' && query.from !== undefined ? Math.max(lowest, idAtTime(query.from)) : lowest;
  const newest = await store.top();
  const top = query.to === undefined ? newest : Math.min(newest, idAtTime(query.to + 1) - 1);
  const exact = keys.some(({ prefix }) => !prefix);
  const width =
    exact || query.ids !== undefined || (order === 'id' && !readsEveryRow(query))
      ? Number.POSITIVE_INFINITY
      : FIRST_SLICE;
  const walk = new Walk(order, bottom, top, width);
  if (query.after !== undefined) walk.resume(query.after);
  return walk;
}

/** Whether some condition is checked row by row, so that a hit may be far away. */
function readsEveryRow(query: TraceQuery): boolean {
  return (
    [
      query.type,
      query.error,
      query.cause,
      query.minSize,
      query.maxSize,
      query.minDuration,
      query.maxDuration,
      query.contains,
      query.visible,
      query.status,
    ].some((condition) => condition !== undefined) ||
    [query.source, query.target, query.hosts].filter((host) => host !== undefined).length > 1
  );
}

/** The position of a search. */
class Walk {
  readonly order: SearchPart['order'];
  readonly bottom: number;
  high: number;
  #belowId: number | undefined;
  #width: number;

  constructor(order: SearchPart['order'], bottom: number, high: number, width: number) {
    this.order = order;
    this.bottom = bottom;
    this.high = high;
    this.#width = width;
  }

  span(): SearchPart {
    const { order, high, bottom } = this;
    return { order, high, low: Math.max(bottom, this.#low()), belowId: this.#belowId };
  }

  /** A candidate was checked; everything that follows is older. */
  passed(row: TracedMessage): void {
    if (this.order === 'id') this.high = row.id - 1;
    else {
      this.high = scopeOf(row);
      this.#belowId = row.id;
    }
  }

  /** A slice has no more. */
  finished({ low }: SearchPart, took: number): void {
    this.high = low - 1;
    this.#belowId = undefined;
    if (took < FAST) this.#width *= 4;
    else if (took > SLOW) this.#width = Math.max(1_000, this.#width / 4);
  }

  cursor(): string {
    return this.order === 'id' ? `m${this.high}` : `s${this.high}.${this.#belowId ?? ''}`;
  }

  resume(cursor: string): void {
    const [, kind, high = '', belowId = ''] =
      /^([ms])(\d{1,16})(?:\.(\d{0,16}))?$/.exec(cursor) ?? [];
    if (kind !== (this.order === 'id' ? 'm' : 's')) {
      throw new EngineError('QUERY_INVALID', 'the cursor does not belong to this search');
    }
    this.high = Math.min(this.high, Number(high));
    this.#belowId = belowId === '' ? undefined : Number(belowId);
  }

  /** Slices of scopes begin on the hour, since the search keys are stored by the hour. */
  #low(): number {
    const time = timeOfId(this.high) - this.#width;
    if (time < 0) return 0;
    return idAtTime(this.order === 'id' ? time : Math.floor(time / HOUR) * HOUR);
  }
}
