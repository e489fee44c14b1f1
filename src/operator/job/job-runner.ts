import { setTimeout as sleep, setImmediate as yieldToOthers } from 'node:timers/promises';
import { describeError } from '../../error/engine-error.ts';
import type { Logger } from '../../log/logger.ts';
import type { LiveStream } from '../live/live-stream.ts';
import type { FrozenLists } from './frozen-lists.ts';
import type { ItemResult, Job, JobItem, JobStore, NewJob } from './job-store.ts';

/** Does one message of a job: sends it again, or discards it. Rejects with why it could not. */
export type JobWork = (
  job: Job,
  item: JobItem,
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
  /** Finishes the message it is at. */
  stop(): Promise<void>;
}

export interface JobRunnerParts {
  readonly store: JobStore;
  readonly lists: FrozenLists;
  readonly work: JobWork;
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

export function jobRunner(parts: JobRunnerParts): JobRunner {
  const { store, lists, work: workOn, live, log, alone = (run, signal) => run(signal) } = parts;
  const stopping = new AbortController();
  let added = Promise.withResolvers<void>();

  const tell = ({ id }: Job): void => {
    const state = store.find(id)?.state;
    if (state !== undefined) live.tell({ jobs: [{ id, state }] });
  };
  const one = async (job: Job, item: JobItem): Promise<ItemResult> => {
    store.settle(job.id, item.n, { state: 'doing' });
    try {
      const { resultId } = await workOn(job, item);
      return { state: 'done', resultId };
    } catch (error) {
      const { code, text } = describeError(error);
      return { state: 'failed', code, text };
    }
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
      store.settle(job.id, item.n, await one(job, item));
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
  const work = async (held: AbortSignal): Promise<void> => {
    for (const { id } of store.running()) store.markUncertain(id);
    while (!held.aborted) {
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
    async stop() {
      stopping.abort();
      await working;
    },
  };
}
