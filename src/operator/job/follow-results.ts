import type { Logger } from '../../log/logger.ts';
import { timeOfId } from '../../message/id.ts';
import { pause } from '../../time/pause.ts';
import { causeOfFailure } from '../../trace/cause.ts';
import type { SessionOutcome } from '../../trace/session-outcome.ts';
import type { TraceReader } from '../../trace/trace-store.ts';
import {
  FOLLOWED_FOR,
  type FollowedItem,
  type ItemEnd,
  type JobStore,
  type SeenItem,
} from './job-store.ts';

export interface FollowOptions {
  readonly store: Pick<JobStore, 'followedJobs' | 'followed' | 'saw' | 'countEnded'>;
  readonly trace: Pick<TraceReader, 'outcomes'>;
  /** Milliseconds that messages stay in the trace. */
  readonly keep: () => number;
  /** Called when something new about a job was found. */
  readonly onSeen: (job: number) => Promise<void>;
  readonly log: Logger;
}

const EVERY = 1_000;
/** What has not changed for long is checked less often: after a tenth of the time since its last change, up to this. */
const SELDOM = 60_000;
/**
 * The streams are read independently, so what a message led to may reach the trace shortly after
 * the message's own end. An end is therefore accepted at once, but checked again for this long.
 */
const SETTLING = 10_000;
const AT_ONCE = 500;

/** How many times its own working time a look rests between two pages, for those who share its thread. */
const REST = 2;
/** Pages in a row in which all is still under way, after which the rest is too: queues keep their order. */
const QUIET = 2;
/** Milliseconds after which everything is looked at all the same. */
const WHOLE_EVERY = 15_000;

/** When a job is checked again, since when nothing about it has changed, and when all of it was looked at. */
interface Pace {
  readonly at: number;
  readonly since: number;
  readonly whole: number;
}

/** Follows what happens to the messages that jobs have made, until `held` aborts. */
export async function followResults(options: FollowOptions, held: AbortSignal): Promise<void> {
  const paces = new Map<number, Pace>();
  let failing = false;
  while (!held.aborted) {
    try {
      await lookAtAll(options, paces, held);
      failing = false;
    } catch (error) {
      // an unreachable database is reported once; checking continues when it is back
      if (!failing) options.log.error({ event: 'job-failed', err: error }, 'job-failed');
      failing = true;
    }
    await pause(EVERY, held, { ref: false });
  }
}

async function lookAtAll(
  options: FollowOptions,
  paces: Map<number, Pace>,
  held: AbortSignal,
): Promise<void> {
  const { store, onSeen } = options;
  const jobs = await store.followedJobs();
  for (const job of jobs) {
    const now = Date.now();
    const { at, since, whole } = paces.get(job) ?? { at: 0, since: now, whole: 0 };
    if (held.aborted || at > now) continue;
    const all = now - whole >= WHOLE_EVERY;
    const { changed, wasWhole } = await look(options, job, { all, held });
    const still = changed ? 0 : now - since;
    const next = now + Math.min(SELDOM, Math.max(EVERY, still / 10));
    paces.set(job, { at: next, since: now - still, whole: wasWhole ? Date.now() : whole });
    if (changed) await onSeen(job);
  }
  for (const job of paces.keys()) if (!jobs.includes(job)) paces.delete(job);
  await store.countEnded();
}

/** Whether something new was found, and whether all was looked at. */
async function look(
  { store, trace, keep }: FollowOptions,
  job: number,
  { all, held }: { readonly all: boolean; readonly held: AbortSignal },
): Promise<{ readonly changed: boolean; readonly wasWhole: boolean }> {
  let after = 0;
  let changed = false;
  let quiet = 0;
  for (;;) {
    const began = performance.now();
    const items = await store.followed(job, { after, limit: AT_ONCE });
    const found = await trace.outcomes(items.map(({ resultId }) => resultId));
    const ofSession = new Map(found.map((one) => [one.sessionId, one]));
    const now = Date.now();
    const seen = items.flatMap(
      (item) => seenOf(item, ofSession.get(item.resultId), { now, keep: keep() }) ?? [],
    );
    if (seen.length > 0) {
      await store.saw(job, seen);
      changed = true;
    }
    after = items.at(-1)?.n ?? after;
    if (items.length < AT_ONCE) return { changed, wasWhole: true };
    const isQuiet = seen.length === 0 && items.every(({ outcome }) => isUnderWay(outcome));
    quiet = isQuiet ? quiet + 1 : 0;
    if ((!all && quiet >= QUIET) || held.aborted) return { changed, wasWhole: false };
    await pause(REST * (performance.now() - began), held, { ref: false });
  }
}

const isUnderWay = (end: ItemEnd | undefined): boolean =>
  end === undefined || end.state === 'under-way';

interface When {
  readonly now: number;
  readonly keep: number;
}

/** What to record for an item; undefined if nothing is new. */
export function seenOf(
  item: FollowedItem,
  found: SessionOutcome | undefined,
  { now, keep }: When,
): SeenItem | undefined {
  if (found === undefined) return unseen(item, { now, keep });
  const { n, resultId, at, outcome } = item;
  const tooLong = now - timeOfId(resultId) > FOLLOWED_FOR;
  const { messageId, host, code, text, said, state, open } = found;
  const end: ItemEnd = {
    state: state === 'under-way' && tooLong ? 'not-followed' : state,
    messageId,
    host,
    code,
    cause: text === undefined ? undefined : causeOfFailure({ text, said }),
  };
  const isNew = outcome === undefined || !isSame(outcome, end);
  const since = isNew ? now : at;
  const followed = !tooLong && (open || now - since < SETTLING);
  return isNew || !followed ? { n, end, at: since, followed } : undefined;
}

/** A message that is not in the trace has either not been read yet or was purged; open ones are never purged. */
function unseen(
  { n, resultId, at, outcome }: FollowedItem,
  { now, keep }: When,
): SeenItem | undefined {
  if (outcome !== undefined && outcome.state !== 'under-way')
    return { n, end: outcome, at, followed: false };
  const age = now - timeOfId(resultId);
  if (outcome !== undefined || age > keep)
    return { n, end: { state: 'gone' }, at: now, followed: false };
  return age > FOLLOWED_FOR
    ? { n, end: { state: 'not-followed' }, at: now, followed: false }
    : undefined;
}

const isSame = (a: ItemEnd, b: ItemEnd): boolean =>
  a.state === b.state &&
  a.messageId === b.messageId &&
  a.host === b.host &&
  a.code === b.code &&
  a.cause === b.cause;
