import type { Orderer } from '../../access/rights/orderer.ts';
import { SESSION_STATES } from '../../trace/session-outcome.ts';

export const JOB_TYPES = ['resend', 'reprocess', 'discard', 'abort', 'set-aside'] as const;
/**
 * `stopped`: the orderer is no longer allowed to do it, or nothing could be done for an hour;
 * `paused`: by a person, or since it is not known what was done after it stood still, until somebody continues or
 * cancels it.
 */
export const JOB_STATES = ['running', 'paused', 'finished', 'cancelled', 'stopped'] as const;
/** `uncertain`: the operator plane ended in the middle of it; check the message before doing it again. */
export const ITEM_STATES = [
  'waiting',
  'doing',
  'done',
  'failed',
  'uncertain',
  'cancelled',
] as const;
/**
 * The result of the new message.
 * - `gone`: it left the trace before its end was seen
 * - `not-followed`: it had not ended after `FOLLOWED_FOR`, and is no longer checked
 */
export const ITEM_OUTCOMES = [...SESSION_STATES, 'gone', 'not-followed'] as const;

/** Milliseconds that the messages made by a job are followed; what waits longer is reported as open. */
export const FOLLOWED_FOR = 7 * 86_400_000;

export type JobType = (typeof JOB_TYPES)[number];
export type JobState = (typeof JOB_STATES)[number];
export type ItemState = (typeof ITEM_STATES)[number];
export type ItemOutcome = (typeof ITEM_OUTCOMES)[number];

export interface NewJob {
  readonly type: JobType;
  readonly orderer: Orderer;
  readonly reason: string | undefined;
  /** Where a resend goes instead of the former target. */
  readonly target: string | undefined;
  /** The frozen list: what matches later is not part of the job. */
  readonly ids: readonly number[];
  /** The name of the stored list; at most one job is made from it. */
  readonly list?: string | undefined;
}

export interface Job extends Omit<NewJob, 'ids' | 'list'>, JobCounts {
  readonly id: number;
  /** The orderer's name. */
  readonly by: string;
  readonly created: number;
  /** When the last message was acted on; the new messages may still be under way. */
  readonly ended: number | undefined;
  readonly state: JobState;
  /** Why it was stopped, or what it waits for. */
  readonly why: string | undefined;
}

export interface JobCounts {
  readonly total: number;
  readonly done: number;
  readonly failed: number;
  /** The results of the new messages; undefined for a job that makes none. */
  readonly became: Became | undefined;
}

/** How many of the messages made by a job had which result. */
export type Became = Readonly<Record<ItemOutcome, number>>;

export interface JobItem {
  readonly n: number;
  readonly messageId: number;
  readonly state: ItemState;
  /** Its order was given before, and waits to be given again. */
  readonly begun: boolean;
  /** The new message. */
  readonly resultId: number | undefined;
  readonly code: string | undefined;
  readonly text: string | undefined;
  /** The result of the new message; undefined if none was made. */
  readonly outcome: ItemEnd | undefined;
}

/** The result of a new message, and the message of its session that decided it. */
export interface ItemEnd {
  readonly state: ItemOutcome;
  readonly messageId?: number | undefined;
  readonly host?: string | undefined;
  readonly code?: string | undefined;
  /** See `causeOf`: without anything specific to one patient. */
  readonly cause?: string | undefined;
}

/** A message whose result is followed until it has ended. */
export interface FollowedItem {
  readonly n: number;
  readonly resultId: number;
  /** Since when `outcome` has had its value. */
  readonly at: number;
  readonly outcome: ItemEnd | undefined;
}

/** A result as it was found. */
export interface SeenItem {
  readonly n: number;
  readonly end: ItemEnd;
  readonly at: number;
  /** When it is checked again. */
  readonly followed: boolean;
}

/** What happens to a job's messages at once. */
export interface JobStep {
  readonly settled: readonly ({ readonly n: number } & ItemResult)[];
  readonly claim: readonly number[];
}

/** How one message of a job ended; one that waits again was not touched. */
export interface ItemResult {
  readonly state: ItemState;
  readonly resultId?: number | undefined;
  readonly code?: string | undefined;
  readonly text?: string | undefined;
}

/** Results of a job that ended the same way. */
export interface ResultGroup extends Omit<ItemEnd, 'messageId'> {
  readonly count: number;
  /** One of them. */
  readonly messageId: number | undefined;
}

/** Stores jobs and the result for each of their messages, across restarts. */
export interface JobStore {
  /** Makes the job, or finds the one that was made of the list before. */
  add(job: NewJob): Promise<Job>;
  find(id: number): Promise<Job | undefined>;
  stateOf(id: number): Promise<JobState | undefined>;
  /** Newest first. */
  list(limit: number): Promise<readonly Job[]>;
  running(): Promise<readonly Job[]>;
  items(id: number, page: ItemPage): Promise<readonly JobItem[]>;
  /** The first waiting messages. */
  waiting(id: number, most: number): Promise<readonly JobItem[]>;
  /** Which of the messages other jobs have sent to the same place since the job was ordered, and whose job that was. */
  sentByOthers(
    job: Pick<Job, 'id' | 'target' | 'created'>,
    messages: readonly number[],
  ): Promise<ReadonlyMap<number, Pick<Job, 'id' | 'by'>>>;
  /**
   * Records results and claims waiting messages, in one transaction. Returns which were claimed: not
   * those that somebody else claimed, and none if the job does not run.
   */
  advance(id: number, step: JobStep): Promise<ReadonlySet<number>>;
  /** What a running job waits for; undefined: it goes on. */
  waits(id: number, why: string | undefined): Promise<void>;
  /** Pauses a running job; false if it does not run. */
  pause(id: number, why?: string): Promise<boolean>;
  /** Pauses the jobs that nothing has been done for since then; returns them. */
  pauseStale(since: number, why: string): Promise<readonly number[]>;
  /** Lets a paused job run; false if it is not paused. */
  resume(id: number): Promise<boolean>;
  /** Ends a job; false if it had already ended. */
  end(id: number, state: JobState, why?: string): Promise<boolean>;
  /**
   * What was being done when the operator plane ended: it waits again if repeating it is safe, that
   * is if its order was begun after `repeatable`; otherwise it is uncertain.
   */
  takeUp(job: Pick<Job, 'id'>, repeatable: number): Promise<void>;
  /** What was being done for jobs that have ended meanwhile, and what they had not begun: nobody is working on it any more. */
  abandon(): Promise<void>;
  /** Jobs whose results are followed. */
  followedJobs(): Promise<readonly number[]>;
  followed(
    id: number,
    page: { readonly after: number; readonly limit: number },
  ): Promise<readonly FollowedItem[]>;
  /** Records what was found. */
  saw(id: number, items: readonly SeenItem[]): Promise<void>;
  /** The results of a job, grouped by outcome and cause; most frequent first. */
  results(id: number): Promise<readonly ResultGroup[]>;
  /** Stores the final counts of jobs without open results, so that reading them costs nothing. */
  countEnded(): Promise<void>;
  /** How many jobs there are, and how many messages in them. */
  size(): Promise<JobsSize>;
  /** Removes jobs that ended before a time, with their results; not while some are followed. */
  purge(endedBefore: number): Promise<JobsSize>;
}

export interface JobsSize {
  readonly jobs: number;
  readonly messages: number;
}

export interface ItemPage {
  /** `n` of the last one on the previous page. */
  readonly after?: number | undefined;
  readonly state?: ItemState | undefined;
  readonly outcome?: ItemOutcome | undefined;
  readonly limit: number;
}
