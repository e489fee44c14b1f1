import { setTimeout as sleep, setImmediate as yieldToOthers } from 'node:timers/promises';
import { describeError } from '../../error/engine-error.ts';
import type { Logger } from '../../log/logger.ts';
import type { LiveStream } from '../live/live-stream.ts';
import { remembered } from '../remembered.ts';
import type { FrozenLists } from './frozen-lists.ts';
import type { JobRights } from './job-rights.ts';
import type { ItemResult, Job, JobItem, JobStore, JobsSize, NewJob } from './job-store.ts';

/**
 * Does one message of a job: sends it again, or discards it. Rejects with why it could not, as for a message of
 * a host that is not among the `visible` ones.
 */
export type JobWork = (
  job: Job,
  item: JobItem,
  visible: readonly string[] | undefined,
) => Promise<{ readonly resultId?: number | undefined }>;

/**
 * Works on jobs, one message after the other, one job at a time: a bulk resend must not crowd out what
 * the production is for. Goes on after a restart with what was not begun.
 */
export interface JobRunner {
  readonly store: JobStore;
  /** What people looked at before they ordered. */
  readonly lists: FrozenLists;
  start(job: NewJob): Job;
  /** What is being done is finished; the rest is not begun. */
  cancel(id: number): void;
  /** Removes jobs that ended so long ago that their messages are purged, too. */
  purge(): JobsSize;
  /** Finishes the message it is at. */
  stop(): Promise<void>;
}

export interface JobRunnerParts {
  readonly store: JobStore;
  readonly lists: FrozenLists;
  readonly work: JobWork;
  readonly rights: JobRights;
  /** Milliseconds that messages stay in the trace. */
  readonly keep: () => number;
  readonly live: Pick<LiveStream, 'tell'>;
  readonly log: Logger;
  /** Runs while no other operator plane works on jobs, until `stopping` aborts. Left out where there is none. */
  readonly alone?: (
    run: (held: AbortSignal) => Promise<void>,
    stopping: AbortSignal,
  ) => Promise<void>;
}

/** Milliseconds between two tellings of one job's progress. */
const TELL_EVERY = 500;
/** Milliseconds until a job that another operator plane was given is found. */
const LOOK_EVERY = 2_000;
const PURGE_EVERY = 10 * 60_000;
/** An order that comes again within a day is answered with the job that was made of it. */
const KEPT = 86_400_000;

export function jobRunner(parts: JobRunnerParts): JobRunner {
  const { store, lists, live, log, keep, alone = (run, signal) => run(signal) } = parts;
  const stopping = new AbortController();
  let added = Promise.withResolvers<void>();

  const tell = ({ id }: Job): void => {
    const state = store.find(id)?.state;
    if (state !== undefined) live.tell({ jobs: [{ id, state }] });
  };
  const run = async (job: Job, held: AbortSignal): Promise<void> => {
    let told = performance.now();
    tell(job);
    while (!held.aborted && store.find(job.id)?.state === 'running') {
      const item = store.next(job.id);
      if (item === undefined) {
        store.end(job.id, 'finished');
        break;
      }
      const rights = await parts.rights(job);
      if ('stop' in rights) {
        store.end(job.id, 'stopped', rights.stop);
        log.warn(
          { event: 'job-stopped', job: job.id, by: job.by, why: rights.stop },
          'job-stopped',
        );
        break;
      }
      store.settle(job.id, item.n, { state: 'doing' });
      store.settle(job.id, item.n, await resultOf(parts.work(job, item, rights.visible)));
      if (performance.now() - told > TELL_EVERY) {
        tell(job);
        told = performance.now();
      }
      await yieldToOthers();
    }
    tell(job);
  };
  const runAll = async (held: AbortSignal): Promise<void> => {
    for (let [job] = store.running(); job !== undefined; [job] = store.running()) {
      await run(job, held);
      if (held.aborted) return;
    }
  };
  const purge = (): JobsSize => {
    const removed = store.purge(Date.now() - Math.max(keep(), KEPT));
    if (removed.jobs > 0) log.info({ event: 'jobs-purged', ...removed }, 'jobs-purged');
    return removed;
  };
  const work = async (held: AbortSignal): Promise<void> => {
    for (const { id } of store.running()) store.markUncertain(id);
    const purging = remembered(PURGE_EVERY, async () => purge());
    while (!held.aborted) {
      await purging.get();
      added = Promise.withResolvers();
      await runAll(held).catch((error: unknown) => {
        log.error({ event: 'job-failed', err: error }, 'job-failed');
      });
      const look = new AbortController();
      const either = AbortSignal.any([held, look.signal]);
      const waited = sleep(LOOK_EVERY, undefined, { signal: either, ref: false });
      await Promise.race([added.promise, waited.catch(() => undefined)]);
      look.abort();
    }
  };
  const working = alone(work, stopping.signal);
  return {
    store,
    lists,
    start(job) {
      const made = store.add(job);
      added.resolve();
      return made;
    },
    cancel(id) {
      if (store.find(id)?.state === 'running') store.end(id, 'cancelled');
      live.tell({ jobs: [{ id, state: 'cancelled' }] });
    },
    purge,
    async stop() {
      stopping.abort();
      await working;
    },
  };
}

async function resultOf(work: ReturnType<JobWork>): Promise<ItemResult> {
  try {
    const { resultId } = await work;
    return { state: 'done', resultId };
  } catch (error) {
    const { code, text } = describeError(error);
    return { state: 'failed', code, text };
  }
}
