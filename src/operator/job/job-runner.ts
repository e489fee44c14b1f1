import { setImmediate as yieldToOthers } from 'node:timers/promises';
import type { Alone } from '../../broker/while-held.ts';
import { describeError } from '../../error/engine-error.ts';
import type { Logger } from '../../log/logger.ts';
import { type Clock, steadyOf, systemClock } from '../../time/clock.ts';
import { pause } from '../../time/pause.ts';
import { remembered } from '../../time/remembered.ts';
import type { TraceReader } from '../../trace/trace-store.ts';
import type { LiveStream } from '../live/live-stream.ts';
import { followResults } from './follow-results.ts';
import type { FrozenLists } from './frozen-lists.ts';
import type { JobRights } from './job-rights.ts';
import type {
  ItemResult,
  Job,
  JobItem,
  JobState,
  JobStep,
  JobStore,
  JobsSize,
  JobType,
  NewJob,
} from './job-store.ts';
import { failed, isAwayNow, type JobWork, type WorkResult } from './job-work.ts';

/**
 * Works on jobs, some messages at a time and one job at a time: a bulk resend must not crowd out
 * live traffic. After a restart, or once NATS and an engine are back, it continues. Meanwhile the
 * new messages are followed to their end.
 */
export interface JobRunner {
  readonly store: JobStore;
  /** The lists shown to people before they ordered. */
  readonly lists: FrozenLists;
  /** Makes the job, or finds the one already made from the list. */
  start(job: NewJob): Promise<Job>;
  /** Finishes what is under way; the rest is not started. */
  cancel(id: number): Promise<void>;
  /** Finishes what is under way; the rest waits until it is resumed. */
  pause(id: number): Promise<void>;
  resume(id: number): Promise<void>;
  /** Removes jobs that ended so long ago that their messages have been purged too. */
  purge(): Promise<JobsSize>;
  /** Finishes what is under way. */
  stop(): Promise<void>;
}

export interface JobRunnerOptions<Order> {
  readonly store: JobStore;
  readonly lists: FrozenLists;
  readonly work: JobWork<Order>;
  readonly rights: JobRights;
  /** Where the results of the new messages are found. */
  readonly trace: Pick<TraceReader, 'outcomes'>;
  /** Milliseconds that messages stay in the trace. */
  readonly keep: () => number;
  readonly live: Pick<LiveStream, 'tell'>;
  readonly log: Logger;
  /** By which a job that can do nothing waits; the system's unless given. */
  readonly clock?: Clock;
  /** Elects the one operator plane that works on jobs. Left out if there are no others. */
  readonly alone?: Alone;
}

/** Milliseconds between two checks for jobs given to another operator plane. */
const LOOK_EVERY = 2_000;
const PURGE_EVERY = 10 * 60_000;
/** Why a job that was left running is not continued by itself. */
const STALE =
  'nothing was done for 20 hours, and engines do not remember for longer which of its messages were done: if the database of the operator plane was restored from a backup, they would be done again. See what has become of them, then continue or cancel it';

/** Milliseconds (a day) for which a repeated order is answered with the job it made. */
const KEPT = 86_400_000;
// oxlint-disable-next-line max-lines-per-function -- a factory: its closures share the state above them
export function jobRunner<Order>(parts: JobRunnerOptions<Order>): JobRunner {
  const { store, lists, live, log, keep, alone = (run, signal) => run(signal) } = parts;
  const stopping = new AbortController();
  let added = Promise.withResolvers<void>();

  const tell = async (id: number): Promise<void> => {
    const state: JobState | undefined = await store.stateOf(id);
    if (state !== undefined) live.tell({ jobs: [{ id, state }] });
  };
  const run = (job: Job, held: AbortSignal): Promise<void> => runJob({ ...parts, tell }, job, held);
  const runAll = async (held: AbortSignal): Promise<void> => {
    for (let [job] = await store.running(); job !== undefined; [job] = await store.running()) {
      await run(job, held);
      if (held.aborted) return;
    }
  };
  const purge = async (): Promise<JobsSize> => {
    const removed = await store.purge(Date.now() - Math.max(keep(), KEPT));
    if (removed.jobs > 0) log.info({ event: 'jobs-purged', ...removed }, 'jobs-purged');
    return removed;
  };
  /** One that waits does something, or is stopped after an hour: nothing has worked on these for that long. */
  const pauseStale = async (): Promise<void> => {
    for (const job of await store.pauseStale(Date.now() - REPEATABLE_FOR, STALE)) {
      log.warn({ event: 'job-paused', job, why: STALE }, 'job-paused');
      await tell(job);
    }
  };
  const act = async (held: AbortSignal): Promise<void> => {
    const purging = remembered(PURGE_EVERY, purge);
    let looked = false;
    let failing = false;
    while (!held.aborted) {
      added = Promise.withResolvers();
      try {
        await store.abandon();
        if (!looked) await pauseStale();
        looked = true;
        await purging.get();
        await runAll(held);
        failing = false;
      } catch (error) {
        // an unreachable database is reported once; the work continues when it is back
        if (!failing) log.error({ event: 'job-failed', err: error }, 'job-failed');
        failing = true;
      }
      const look = new AbortController();
      const either = AbortSignal.any([held, look.signal]);
      await Promise.race([added.promise, pause(LOOK_EVERY, either, { ref: false })]);
      look.abort();
    }
  };
  const follow = (held: AbortSignal): Promise<void> =>
    followResults({ store, trace: parts.trace, keep, onSeen: tell, log }, held);
  const work = async (held: AbortSignal): Promise<void> => {
    await Promise.all([act(held), follow(held)]);
  };
  const working = alone(work, stopping.signal);
  return {
    store,
    lists,
    async start(job) {
      const made = await store.add(job);
      added.resolve();
      return made;
    },
    async cancel(id) {
      await store.end(id, 'cancelled');
      live.tell({ jobs: [{ id, state: 'cancelled' }] });
    },
    async pause(id) {
      await store.pause(id);
      added.resolve();
      await tell(id);
    },
    async resume(id) {
      await store.resume(id);
      added.resolve();
      await tell(id);
    },
    purge,
    async stop() {
      stopping.abort();
      await working;
    },
  };
}

interface RunJobOptions<Order> {
  readonly store: JobStore;
  readonly work: JobWork<Order>;
  readonly rights: JobRights;
  readonly tell: (job: number) => Promise<void>;
  readonly log: Logger;
  /** By which a job that can do nothing waits. */
  readonly clock?: Clock;
}

/**
 * Acts that are done only once, however often they are ordered, and for how long: engines remember
 * orders for a day.
 */
const REPEATABLE: ReadonlySet<JobType> = new Set(['resend', 'reprocess', 'discard']);
const REPEATABLE_FOR = 20 * 3_600_000;
/** Milliseconds between two progress reports of a job; those who see a large one read more. */
const TELL_EVERY = 500;
const TELL_LARGE_EVERY = 2_000;
const LARGE = 10_000;
/** Milliseconds until orders are given again: at first, and at most. */
const AGAIN = [1_000, 5_000] as const;
/** Milliseconds after which a job for which nothing can be done is stopped. */
const AWAY_FOR = 3_600_000;
/** How often an order is tried that fails on its own, although an engine answers. */
const TRIES = 3;
/** Messages read at once: the database of the trace may be on another machine, or in this thread. */
const READ_AT_ONCE = 8;

/** A message with its order, or how it failed before there was one. */
type Ready<Order> = { readonly item: JobItem } & (
  | { readonly order: Order }
  | { readonly failed: ItemResult }
);

/** The next messages of a job. */
interface Window<Order> {
  readonly ready: readonly Ready<Order>[];
  /** Its orderer may not act on the one after these. */
  readonly stop?: string | undefined;
  /** The one after these cannot be read now. */
  readonly away?: string | undefined;
}

type Settled = JobStep['settled'];

/**
 * Works on a job until it has ended, is paused or `held` aborts. While orders are under way, those
 * after them are read; what was done and what comes next are stored in one transaction.
 */
async function runJob<Order>(
  parts: RunJobOptions<Order>,
  job: Job,
  held: AbortSignal,
): Promise<void> {
  const { store } = parts;
  const clock = steadyOf(parts.clock ?? systemClock);
  const { id } = job;
  const progress = reports(parts, job);
  const tries: Tries = new Map();
  let again = 0;
  let since = clock.now();
  let settled: Settled = [];
  await takenUp(parts, job);
  const heedHost = await hostWatch(parts, job);
  await parts.tell(id);
  let window = await nextWindow(parts, job);
  while (!held.aborted) {
    const claim = window.ready.map(({ item }) => item.n);
    const claimed = await store.advance(id, { settled, claim });
    settled = [];
    const mine = window.ready.filter(({ item }) => claimed.has(item.n));
    if (mine.length === 0) {
      if (await isOver(parts, job, window)) break;
      const { away: why } = window;
      if (why !== undefined) await waits(parts, job, { why, since, again: ++again, held });
      window = await nextWindow(parts, job);
      continue;
    }
    const { done, next } = await actedOn(parts, job, { mine, stop: window.stop, tries });
    settled = done.settled;
    await heedHost(settled);
    if (done.again === undefined && next.status === 'fulfilled') {
      if (again > 0) await goesOn(parts, job);
      again = 0;
      since = clock.now();
      window = next.value;
    } else {
      await store.advance(id, { settled, claim: [] });
      settled = [];
      if (next.status === 'rejected') throw next.reason;
      again += 1;
      // a queue that empties slowly takes some each time
      if (done.settled.some(({ state }) => state !== 'waiting')) since = clock.now();
      await waits(parts, job, { why: done.again, since, again, held });
      window = await nextWindow(parts, job);
    }
    await progress();
  }
  if (settled.length > 0) await store.advance(id, { settled, claim: [] });
  await parts.tell(id);
}

interface Acted {
  readonly settled: Settled;
  /** Why some have to be given again. */
  readonly again: string | undefined;
}

/** How often orders that fail on their own were tried, by the number of their message. */
type Tries = Map<number, number>;

interface Mine<Order> {
  readonly mine: readonly Ready<Order>[];
  readonly stop: string | undefined;
  readonly tries: Tries;
}

/** Carries the orders out, and meanwhile reads what the next ones need. */
async function actedOn<Order>(
  parts: RunJobOptions<Order>,
  job: Job,
  { mine, stop, tries }: Mine<Order>,
): Promise<{
  readonly done: Acted;
  readonly next: PromiseSettledResult<Window<Order>>;
}> {
  const reading = stop === undefined ? nextWindow(parts, job) : { ready: [], stop };
  const [done, [next]] = await Promise.all([
    carriedOut(parts, job, { mine, tries }),
    Promise.allSettled([reading]),
  ]);
  return { done, next };
}

async function carriedOut<Order>(
  { work }: RunJobOptions<Order>,
  job: Job,
  { mine, tries }: Pick<Mine<Order>, 'mine' | 'tries'>,
): Promise<Acted> {
  const given = mine.filter((one) => 'order' in one);
  const answers = await work.carryOut(
    job,
    given.map(({ order }) => order),
  );
  const results: { readonly n: number; readonly result: WorkResult }[] = [
    ...mine.flatMap((one) => ('failed' in one ? [{ n: one.item.n, result: one.failed }] : [])),
    ...given.flatMap(({ item: { n } }, at) => {
      const result = answers[at];
      return result === undefined ? [] : [{ n, result: withinTries(tries, n, result) }];
    }),
  ];
  return {
    // one that was begun stays so: its order keeps its name and time
    settled: results.flatMap(({ n, result }) => {
      if (!('again' in result)) return [{ n, ...result }];
      return result.begun ? [] : [{ n, state: 'waiting' as const }];
    }),
    again: results.flatMap(({ result }) => ('again' in result ? [result.again] : []))[0],
  };
}

/** What fails on its own too often counts as failed, so that it does not hold up the job. */
function withinTries(tries: Tries, n: number, result: WorkResult): WorkResult {
  if (!('again' in result) || result.own === undefined) return result;
  const tried = (tries.get(n) ?? 0) + 1;
  tries.set(n, tried);
  if (tried < TRIES) return result;
  const { own: code, again: text, begun } = result;
  return { state: begun ? 'uncertain' : 'failed', code, text };
}

/** The next waiting messages, each read after its orderer's rights were looked up. */
async function nextWindow<Order>(parts: RunJobOptions<Order>, job: Job): Promise<Window<Order>> {
  const { store, work } = parts;
  const items = await store.waiting(job.id, work.most(job.type));
  const sent = await sentByOthers(store, job, items);
  const ready: Ready<Order>[] = [];
  for (let at = 0; at < items.length; at += READ_AT_ONCE) {
    const read = await Promise.all(
      items.slice(at, at + READ_AT_ONCE).map(async (item) => {
        const other = sent.get(item.messageId);
        return other === undefined || item.begun
          ? readyFor(parts, job, item)
          : { item, failed: sentBefore(other) };
      }),
    );
    for (const one of read) {
      if ('stop' in one) return { ready, stop: one.stop };
      if ('away' in one) return { ready, away: one.away };
      ready.push(one);
    }
    await yieldToOthers();
  }
  return { ready };
}

/** Jobs that send. */
const SENDING: ReadonlySet<JobType> = new Set(['resend', 'reprocess']);

/** Two people may give the same order for lists made at the same time: each message is sent only for the first. */
const sentByOthers = (
  store: JobStore,
  job: Job,
  items: readonly JobItem[],
): ReturnType<JobStore['sentByOthers']> =>
  store.sentByOthers(job, SENDING.has(job.type) ? items.map(({ messageId }) => messageId) : []);

const sentBefore = ({ id, by }: Pick<Job, 'id' | 'by'>): ItemResult => ({
  state: 'failed',
  code: 'NOT_FOUND',
  text: `job ${id} of ${by} has sent it since this one was ordered: it is not sent again. Order it anew if it is to be sent once more`,
});

async function readyFor<Order>(
  { rights, work }: RunJobOptions<Order>,
  job: Job,
  item: JobItem,
): Promise<Ready<Order> | { readonly stop: string } | { readonly away: string }> {
  const now = await rights(job);
  if ('stop' in now) return now;
  try {
    return { item, order: await work.prepare(job, item, now.visible) };
  } catch (error) {
    return isAwayNow(error) ? { away: describeError(error).text } : { item, failed: failed(error) };
  }
}

/** Whether there is nothing more to do now; ends a job that is finished or stopped. */
async function isOver<Order>(
  { store, log }: RunJobOptions<Order>,
  { id, by }: Job,
  { ready, stop }: Window<Order>,
): Promise<boolean> {
  if ((await store.stateOf(id)) !== 'running') return true;
  if (stop !== undefined) {
    await store.end(id, 'stopped', stop);
    log.warn({ event: 'job-stopped', job: id, by, why: stop }, 'job-stopped');
    return true;
  }
  if (ready.length > 0 || (await store.waiting(id, 1)).length > 0) return false;
  await store.end(id, 'finished');
  return true;
}

/** What an earlier run, or orders that are given again, had begun. */
const takenUp = <Order>({ store }: Pick<RunJobOptions<Order>, 'store'>, job: Job): Promise<void> =>
  store.takeUp(job, REPEATABLE.has(job.type) ? Date.now() - REPEATABLE_FOR : Date.now());

interface Waits {
  readonly why: string | undefined;
  /** Since when nothing could be done, by the steady clock. */
  readonly since: number;
  /** How often in a row. */
  readonly again: number;
  readonly held: AbortSignal;
}

/**
 * NATS, the engine or a queue cannot take more for now. The job says what it waits for, and ends by
 * a person, by its orderer's rights, or once its oldest order can no longer be given again.
 */
async function waits<Order>(
  parts: RunJobOptions<Order>,
  job: Job,
  { why, since, again, held }: Waits,
): Promise<void> {
  const { store, log, tell } = parts;
  const clock = steadyOf(parts.clock ?? systemClock);
  if (clock.now() - since > AWAY_FOR) {
    await store.end(job.id, 'stopped', `nothing could be done for an hour: ${why}`);
    log.warn({ event: 'job-stopped', job: job.id, by: job.by, why }, 'job-stopped');
    return;
  }
  await store.waits(job.id, why);
  if (again === 1) log.warn({ event: 'job-waits', job: job.id, by: job.by, why }, 'job-waits');
  await tell(job.id);
  await pause(Math.min(AGAIN[0] * again, AGAIN[1]), held, { ref: false });
  await takenUp(parts, job);
}

/**
 * Pauses the job where none of the messages just sent has its host any more, although earlier ones had: it has been removed
 * or renamed, and those that follow would find that out one by one. It goes on by a person, once the host is back.
 */
async function hostWatch<Order>(
  { store, log, tell }: RunJobOptions<Order>,
  { id, by, done }: Job,
): Promise<(settled: Settled) => Promise<void>> {
  const [next] = await store.waiting(id, 1);
  const [latest] = next === undefined ? [] : await store.items(id, { after: next.n - 2, limit: 1 });
  // who lets it go on after that has been told, and is not asked for each window
  let hasSent = done > 0 && latest?.code !== 'HOST_UNKNOWN';
  return async (settled) => {
    hasSent ||= settled.some(({ state }) => state === 'done');
    const isGone = settled.every(({ code }) => code === 'HOST_UNKNOWN');
    const cause = settled[0]?.text;
    if (!hasSent || !isGone || cause === undefined) return;
    if ((await store.waiting(id, 1)).length === 0) return;
    const why = `the production was changed while it ran: ${cause}. Then continue it, or cancel it`;
    if (!(await store.pause(id, why))) return;
    log.warn({ event: 'job-paused', job: id, by, why }, 'job-paused');
    await tell(id);
  };
}

async function goesOn<Order>({ store, log }: RunJobOptions<Order>, { id }: Job): Promise<void> {
  await store.waits(id, undefined);
  log.info({ event: 'job-goes-on', job: id }, 'job-goes-on');
}

/** Reports progress, but not too often. */
function reports<Order>({ tell }: RunJobOptions<Order>, { id, total }: Job): () => Promise<void> {
  const every = total > LARGE ? TELL_LARGE_EVERY : TELL_EVERY;
  let told = performance.now();
  return async () => {
    if (performance.now() - told < every) return;
    told = performance.now();
    await tell(id);
  };
}
