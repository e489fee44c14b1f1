import { setImmediate as yieldToOthers } from 'node:timers/promises';
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
}

/** Milliseconds between two tellings of one job's progress. */
const TELL_EVERY = 500;

export function jobRunner({ store, lists, work: workOn, live, log }: JobRunnerParts): JobRunner {
  let stopping = false;
  let added = false;
  let running: Promise<void> | undefined;

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
  const run = async (job: Job): Promise<void> => {
    let told = performance.now();
    tell(job);
    while (!stopping && store.find(job.id)?.state === 'running') {
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
  const runAll = async (): Promise<void> => {
    for (let [job] = store.running(); job !== undefined && !stopping; [job] = store.running()) {
      await run(job);
    }
  };
  /** Ends only when nothing was added since it last looked: an order that comes just then must not lie. */
  const work = async (): Promise<void> => {
    await yieldToOthers();
    try {
      while (added && !stopping) {
        added = false;
        await runAll();
      }
    } catch (error) {
      log.error({ event: 'job-failed', err: error }, 'job-failed');
    } finally {
      running = undefined;
    }
  };
  const go = (): void => {
    added = true;
    running ??= work();
  };

  for (const { id } of store.running()) store.markUncertain(id);
  go();
  return {
    store,
    lists,
    start(job) {
      const made = store.add(job);
      go();
      return made;
    },
    cancel(id) {
      if (store.find(id)?.state === 'running') store.end(id, 'cancelled');
      live.tell({ jobs: [{ id, state: 'cancelled' }] });
    },
    async stop() {
      stopping = true;
      await running;
    },
  };
}
