import { setImmediate as yieldToOthers } from 'node:timers/promises';
import type { Alone } from '../../broker/while-held.ts';
import type { ErrorCode } from '../../error/codes.ts';
import { describeError } from '../../error/engine-error.ts';
import type { Logger } from '../../log/logger.ts';
import { pause } from '../../time/pause.ts';
import type { TraceReader } from '../../trace/trace-store.ts';
import type { LiveStream } from '../live/live-stream.ts';
import { remembered } from '../remembered.ts';
import { followResults } from './follow-results.ts';
import type { FrozenLists } from './frozen-lists.ts';
import type { JobRights } from './job-rights.ts';
import type {
  ItemResult,
  Job,
  JobItem,
  JobState,
  JobStore,
  JobsSize,
  JobType,
  NewJob,
} from './job-store.ts';

/**
 * Handles one message of a job, such as by resending or discarding it. Rejects with the reason if
 * it cannot, for example if its host is not among the `visible` ones.
 */
export type JobWork = (
  job: Job,
  item: JobItem,
  visible: readonly string[] | undefined,
) => Promise<{ readonly resultId?: number | undefined }>;

/**
 * Works on jobs, one message after another, one job at a time: a bulk resend must not crowd out
 * live traffic. After a restart it continues with what had not been started. Meanwhile the new
 * messages are followed to their end.
 */
export interface JobRunner {
  readonly store: JobStore;
  /** The lists shown to people before they ordered. */
  readonly lists: FrozenLists;
  /** Makes the job, or finds the one already made from the list. */
  start(job: NewJob): Promise<Job>;
  /** Finishes the current message; the rest is not started. */
  cancel(id: number): Promise<void>;
  /** Removes jobs that ended so long ago that their messages have been purged too. */
  purge(): Promise<JobsSize>;
  /** Finishes the current message. */
  stop(): Promise<void>;
}

export interface JobRunnerOptions {
  readonly store: JobStore;
  readonly lists: FrozenLists;
  readonly work: JobWork;
  readonly rights: JobRights;
  /** Where the results of the new messages are found. */
  readonly trace: Pick<TraceReader, 'outcomes'>;
  /** Milliseconds that messages stay in the trace. */
  readonly keep: () => number;
  readonly live: Pick<LiveStream, 'tell'>;
  readonly log: Logger;
  /** Whether an engine answers now. */
  readonly answers: () => Promise<boolean>;
  /** Elects the one operator plane that works on jobs. Left out if there are no others. */
  readonly alone?: Alone;
}

/** Milliseconds between two progress reports of a job. */
const TELL_EVERY = 500;
/** Milliseconds between two checks for jobs given to another operator plane. */
const LOOK_EVERY = 2_000;
const PURGE_EVERY = 10 * 60_000;
/** Milliseconds (a day) for which a repeated order is answered with the job it made. */
const KEPT = 86_400_000;
/**
 * Acts that are done only once, however often they are ordered, and for how long: engines remember
 * orders for a day.
 */
const REPEATABLE: readonly JobType[] = ['resend', 'reprocess'];
const REPEATABLE_FOR = 20 * 3_600_000;

/** Milliseconds until a message is tried again that no engine took, and after which the job is stopped. */
const AWAY_AGAIN = 1_000;
const AWAY_FOR = 3_600_000;
/** How often a message is tried that fails as if no engine were there, although one answers. */
const AWAY_TRIES = 3;
const NOBODY = 'no engine answered for an hour';

// oxlint-disable-next-line max-lines-per-function -- a factory: its closures share the state above them
export function jobRunner(parts: JobRunnerOptions): JobRunner {
  const { store, lists, live, log, keep, alone = (run, signal) => run(signal) } = parts;
  const stopping = new AbortController();
  let added = Promise.withResolvers<void>();

  const tell = async (id: number): Promise<void> => {
    const state: JobState | undefined = await store.stateOf(id);
    if (state !== undefined) live.tell({ jobs: [{ id, state }] });
  };
  const run = async (job: Job, held: AbortSignal): Promise<void> => {
    let told = performance.now();
    const patience = new Patience(parts, job.id);
    // nobody is working any more on what an earlier run had started
    const repeatable = REPEATABLE.includes(job.type);
    await store.takeUp(job, repeatable ? Date.now() - REPEATABLE_FOR : Date.now());
    await tell(job.id);
    while (!held.aborted && (await store.stateOf(job.id)) === 'running') {
      const item = await store.next(job.id);
      if (item === undefined) {
        await store.end(job.id, 'finished');
        break;
      }
      const rights = await parts.rights(job);
      if ('stop' in rights) {
        await store.end(job.id, 'stopped', rights.stop);
        log.warn(
          { event: 'job-stopped', job: job.id, by: job.by, why: rights.stop },
          'job-stopped',
        );
        break;
      }
      if (!(await store.claim(job.id, item.n))) continue;
      const result = await resultOf(parts.work(job, item, rights.visible));
      const wait = await patience.of(result);
      if (wait !== undefined) {
        await store.putBack(job.id, item.n);
        if (wait === 'over' && (await store.end(job.id, 'stopped', NOBODY))) break;
        await pause(AWAY_AGAIN, held, { ref: false });
        continue;
      }
      await store.settle(job.id, item.n, result);
      if (performance.now() - told > TELL_EVERY) {
        await tell(job.id);
        told = performance.now();
      }
      await yieldToOthers();
    }
    await tell(job.id);
  };
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
  const act = async (held: AbortSignal): Promise<void> => {
    const purging = remembered(PURGE_EVERY, purge);
    let failing = false;
    let tidied = false;
    while (!held.aborted) {
      added = Promise.withResolvers();
      try {
        if (!tidied) await store.abandon();
        tidied = true;
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
    purge,
    async stop() {
      stopping.abort();
      await working;
    },
  };
}

/** What became of a message; `isAway`: not even tried, as far as can be told, since nobody was there to do it. */
type Result = ItemResult & { readonly isAway: boolean };

const AWAY: ReadonlySet<string> = new Set<ErrorCode>(['BROKER_UNAVAILABLE', 'STORE_UNAVAILABLE']);

async function resultOf(work: ReturnType<JobWork>): Promise<Result> {
  try {
    const { resultId } = await work;
    return { state: 'done', resultId, isAway: false };
  } catch (error) {
    const { code, text, retryable } = describeError(error);
    return { state: 'failed', code, text, isAway: retryable && AWAY.has(code) };
  }
}

/** Decides whether a job waits: a restart of the engines must not make all its messages failures. */
class Patience {
  readonly #parts: Pick<JobRunnerOptions, 'answers' | 'log'>;
  readonly #job: number;
  #since: number | undefined;
  #tries = 0;

  constructor(parts: Pick<JobRunnerOptions, 'answers' | 'log'>, job: number) {
    this.#parts = parts;
    this.#job = job;
  }

  /** Undefined if the result counts; else its message is to be tried again, or it was waited for too long. */
  async of({ isAway, text }: Result): Promise<'again' | 'over' | undefined> {
    const { answers, log } = this.#parts;
    if (isAway && !(await answers())) {
      if (this.#since === undefined) {
        log.warn({ event: 'job-waits', job: this.#job, why: text }, 'job-waits');
      }
      this.#since ??= performance.now();
      return performance.now() - this.#since > AWAY_FOR ? 'over' : 'again';
    }
    this.#since = undefined;
    this.#tries = isAway ? this.#tries + 1 : 0;
    if (isAway && this.#tries < AWAY_TRIES) return 'again';
    this.#tries = 0;
    return undefined;
  }
}
