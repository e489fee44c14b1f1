import { ITEM_OUTCOMES, ITEM_STATES, JOB_STATES, JOB_TYPES } from '../../operator/job/job-store.ts';
import { closed, Id, list, maybe, Reason, Time, word } from '../../web/schema.ts';
import { type Static, Type } from '../../web/type.ts';
import { Message, SearchCriteria, type Status } from './message.ts';

/** The most messages in one job; if more match, it takes the newest. */
export const JOB_LIMIT = 100_000;
/** The most ids in one request. */
export const IDS_LIMIT = 10_000;

/**
 * Which messages: those of a list that was shown, those with the given ids, or those that match
 * now. In each case the list is frozen with the job.
 */
export const JobRequest = closed({
  type: word(...JOB_TYPES),
  list: maybe(
    Type.String({ maxLength: 100, description: '`list` of a dry run: exactly what was shown.' }),
  ),
  ids: maybe(list(Id, { maxItems: IDS_LIMIT })),
  criteria: maybe(SearchCriteria),
  to: maybe(Type.String({ maxLength: 200, description: 'Another target than before.' })),
  limit: maybe(
    Type.Integer({
      minimum: 1,
      maximum: JOB_LIMIT,
      description: 'Of these the first so many, in the order they were made.',
    }),
  ),
  reason: Reason,
  dryRun: maybe(
    Type.Boolean({ description: 'Only report how many there are, and the first of them.' }),
  ),
});
export type JobRequest = Static<typeof JobRequest>;

export const Job = Type.Object({
  id: Type.Integer(),
  type: word(...JOB_TYPES),
  by: Type.String(),
  reason: maybe(Type.String()),
  target: maybe(Type.String()),
  created: Time,
  ended: maybe(Time),
  state: word(...JOB_STATES),
  why: maybe(Type.String({ description: 'Why it was stopped early, or what it waits for.' })),
  total: Type.Integer(),
  done: Type.Integer(),
  failed: Type.Integer(),
  became: maybe(
    Type.Object(
      {
        'under-way': Type.Integer(),
        delivered: Type.Integer(),
        refused: Type.Integer(),
        discarded: Type.Integer(),
        gone: Type.Integer({ description: 'Left the trace before their end was seen.' }),
        'not-followed': Type.Integer({ description: 'Had not ended after seven days.' }),
      },
      {
        description:
          'What happened to the messages that the job made, and to everything made from them. Left out if it made none.',
      },
    ),
  ),
});
export type Job = Static<typeof Job>;

export const JobAnswer = Type.Object({
  list: Type.String({
    description:
      'Identifies the frozen list for a day. Only one job is made from it, however often it is ordered.',
  }),
  /** Left out for a dry run. */
  job: maybe(Job),
  total: Type.Integer(),
  /** false: these are the newest of them, and more match than a job takes. */
  complete: Type.Boolean(),
  most: Type.Integer({
    description: 'How many of them you may act on at once: order with `limit`.',
  }),
  statuses: maybe(
    Type.Unsafe<Readonly<Partial<Record<Static<typeof Status>, number>>>>({
      type: 'object',
      additionalProperties: { type: 'integer' },
      description: 'How many have which status; left out where a list is named.',
    }),
  ),
  leftOut: maybe(
    Type.Integer({
      description:
        'How many were found and left out, since they hold more than what was searched for: order them by their ids.',
    }),
  ),
  sample: list(Message),
});
export type JobAnswer = Static<typeof JobAnswer>;

export const Jobs = Type.Object({ jobs: list(Job) });

export const JobItemQuery = closed({
  after: maybe(Type.Integer({ minimum: 0 })),
  state: maybe(word(...ITEM_STATES)),
  outcome: maybe(word(...ITEM_OUTCOMES)),
  limit: maybe(Type.Integer({ minimum: 1, maximum: 1_000 })),
});

/** For one that was refused or is being retried: the message that decided this, its target, and why. */
const JobOutcome = Type.Object({
  state: word(...ITEM_OUTCOMES),
  messageId: maybe(Id),
  host: maybe(Type.String()),
  code: maybe(Type.String()),
  cause: maybe(
    Type.String({ description: 'As in a group of failures, without ids, names and numbers.' }),
  ),
});

export const JobResults = Type.Object({
  groups: list(Type.Object({ ...JobOutcome.properties, count: Type.Integer() })),
});
export type JobResults = Static<typeof JobResults>;

export const JobItems = Type.Object({
  items: list(
    Type.Object({
      n: Type.Integer(),
      messageId: Id,
      state: word(...ITEM_STATES),
      resultId: maybe(Id),
      code: maybe(Type.String()),
      text: maybe(Type.String()),
      outcome: maybe(JobOutcome),
    }),
  ),
  next: maybe(Type.Integer()),
});
export type JobItems = Static<typeof JobItems>;
