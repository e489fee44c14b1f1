import type { Status } from '../../message/status.ts';
import {
  BODY_GRACE,
  type KeptMessage,
  type PurgeOptions,
  type PurgeReport,
} from '../trace-store.ts';
import { dayOf, endOfDay } from './day.ts';
import type { Words } from './message-columns.ts';
import { ROLL_UPS_KEPT } from './running.ts';
import { statusOfCode } from './stored-code.ts';

/** The most kept messages to list. */
export const KEPT_NAMED = 1_000;

type RemovedDay = PurgeReport['removed'][number];
type Maybe<Result> = Promise<Result> | Result;

/** Which sessions of a day outlive it, besides open ones: on hold at `now`, or settled after `settledSince`. */
export interface Keeping {
  readonly now: number;
  readonly settledSince: number;
}

/** What a store does for a purge. `held` are the sessions that have outlived their day. */
export interface PurgedStore {
  /** Oldest first. */
  days(): readonly string[];
  totalBytes(): Maybe<number>;
  sizeOf(day: string): Maybe<Pick<RemovedDay, 'bytes' | 'messages'>>;
  /** How many sessions of a day have to be kept. */
  countToKeep(day: string, keeping: Keeping): Maybe<number>;
  /** Moves what has to be kept to `held` and removes the day; a crash at any point loses nothing. */
  removeDay(
    day: string,
    keeping: Keeping,
    signal?: AbortSignal,
  ): Maybe<Pick<RemovedDay, 'bytes' | 'messages'>>;
  heldSessions(): Maybe<number>;
  /** How many held sessions were settled by then and are not on hold. */
  countSettledHeld(by: number): Maybe<number>;
  /** Ends expired holds, and removes held sessions that were settled by then and are on no other hold. */
  dropSettledHeld(by: number, now: number): Maybe<number>;
  /** Removes roll-ups that are older than this and whose messages are gone. */
  dropRollUps(before: number): Maybe<void>;
  /** Open messages, oldest first, at most `KEPT_NAMED`. */
  openMessages(part: string): Maybe<KeptMessage[]>;
  /** The first message of each session on hold that outlives its day. */
  messagesOnHold(now: number): Maybe<KeptMessage[]>;
  /** Keys of large bodies that lost a reference until then. */
  goneBodies(until: number): Maybe<readonly string[]>;
  pointsTo(ref: string): Maybe<boolean>;
  forgetGoneBody(ref: string): Maybe<unknown>;
}

/** Removes whole days; what is open, on hold or recently settled is kept. */
export async function purge(store: PurgedStore, options: PurgeOptions): Promise<PurgeReport> {
  const { now, keep, signal } = options;
  const removed: RemovedDay[] = [];
  for (const day of store.days()) {
    signal?.throwIfAborted();
    const because = await reasonToGo(day, options, () => store.totalBytes());
    if (because === undefined) break;
    const size = await store.removeDay(day, keepingOf(because, options), signal);
    removed.push({ day, because, ...size });
  }
  const released = await store.dropSettledHeld(now - keep, now);
  await store.dropRollUps(now - Math.max(keep, ROLL_UPS_KEPT));
  const kept = [...(await store.openMessages('held')), ...(await store.messagesOnHold(now))];
  return {
    removed,
    kept: kept.slice(0, KEPT_NAMED),
    keptSessions: await store.heldSessions(),
    released,
    bodiesRemoved: await removeBodies(store, options),
  };
}

/** What a purge would do, without changing anything. */
export async function purgePlan(store: PurgedStore, options: PurgeOptions): Promise<PurgeReport> {
  const { now, keep, signal } = options;
  const released = await store.countSettledHeld(now - keep);
  const removed: RemovedDay[] = [];
  const kept = await store.openMessages('held');
  let keptSessions = (await store.heldSessions()) - released;
  let total = options.maxBytes === undefined ? 0 : await store.totalBytes();
  for (const day of store.days()) {
    signal?.throwIfAborted();
    const because = await reasonToGo(day, options, () => total);
    if (because === undefined) break;
    const size = await store.sizeOf(day);
    removed.push({ day, because, ...size });
    keptSessions += await store.countToKeep(day, keepingOf(because, options));
    kept.push(...(await store.openMessages(day)));
    total -= size.bytes;
  }
  return { removed, kept: kept.slice(0, KEPT_NAMED), keptSessions, released, bodiesRemoved: 0 };
}

/** @param total the size of the store; called only if it matters */
async function reasonToGo(
  day: string,
  { now, keep, maxBytes }: PurgeOptions,
  total: () => Maybe<number>,
): Promise<RemovedDay['because'] | undefined> {
  if (endOfDay(day) + keep <= now) return 'age';
  if (maxBytes === undefined || day >= dayOf(now)) return undefined;
  return (await total()) > maxBytes ? 'size' : undefined;
}

/** For what was settled late the time counts from then, unless space is needed. */
function keepingOf(because: RemovedDay['because'], { now, keep }: PurgeOptions): Keeping {
  return { now, settledSince: because === 'age' ? now - keep : Number.MAX_SAFE_INTEGER };
}

/** A resent message refers to the large body of the first, which is removed with the last of them. */
async function removeBodies(
  store: PurgedStore,
  { removeBody, signal, now }: PurgeOptions,
): Promise<number> {
  if (removeBody === undefined) return 0;
  let removed = 0;
  for (const ref of await store.goneBodies(now - BODY_GRACE)) {
    signal?.throwIfAborted();
    if (!(await store.pointsTo(ref))) {
      await removeBody(ref);
      removed++;
    }
    await store.forgetGoneBody(ref);
  }
  return removed;
}

export interface KeptRow {
  readonly id: number;
  readonly session_id: number;
  readonly target: number;
  readonly status: number;
  readonly created: number;
}

export function keptMessage(
  row: KeptRow,
  words: Pick<Words, 'text'>,
  reason: Status | 'held' = statusOfCode(row.status),
): KeptMessage {
  return {
    sessionId: row.session_id,
    messageId: row.id,
    host: words.text(row.target),
    reason,
    since: row.created,
  };
}
