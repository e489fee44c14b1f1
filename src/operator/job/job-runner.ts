import type { Alone } from '../../broker/while-held.ts';
import type { Logger } from '../../log/logger.ts';
import type { Clock } from '../../time/clock.ts';
import { pause } from '../../time/pause.ts';
import { remembered } from '../../time/remembered.ts';
import type { TraceReader } from '../../trace/trace-store.ts';
import type { LiveStream } from '../live/live-stream.ts';
import { followResults } from './follow-results.ts';
import type { FrozenLists } from './frozen-lists.ts';
import type { JobRights } from './job-rights.ts';
import type { Job, JobState, JobStore, JobsSize, NewJob } from './job-store.ts';
import type { JobWork } from './job-work.ts';
import { REPEATABLE_FOR, runJob } from './run-job.ts';

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
