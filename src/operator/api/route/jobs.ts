import type { JobType } from '../../job/job-store.ts';
import type { Permission } from '../../rights/principal.ts';
import {
  checkPermission,
  principalOf,
  requirePermission,
} from '../../rights/require-permission.ts';
import { abortSignal } from '../abort-signal.ts';
import { audited } from '../acting.ts';
import type { Api } from '../api.ts';
import { ApiError } from '../api-error.ts';
import type { ApiContext } from '../context.ts';
import { Job, JobAnswer, JobItemQuery, JobItems, JobRequest, Jobs } from '../contract/job.ts';
import { closed, Id } from '../contract/schema.ts';
import { frozenList } from '../frozen-list.ts';

const tags = ['jobs'];
const JobParameters = closed({ id: Id });
const JOBS = 200;
const SAMPLE = 10;
/** What each type needs beside `message.bulk`. */
const NEEDED: Readonly<Record<JobType, Permission>> = {
  resend: 'message.resend',
  discard: 'deadletter.discard',
  abort: 'queue.abort',
  'set-aside': 'queue.abort',
};
const preHandler = requirePermission('message.bulk');

/** Many messages at once: over a frozen list, in the background, with a result for each. */
export function jobRoutes(app: Api, context: ApiContext): void {
  jobStart(app, context);
  jobViews(app, context);
  jobCancel(app, context);
}

function jobStart(app: Api, context: ApiContext): void {
  const { jobs } = context;

  app.post(
    '/jobs',
    {
      schema: {
        tags,
        summary: 'Resends, discards or aborts many messages, or says how many it would be.',
        body: JobRequest,
        response: { 200: JobAnswer },
      },
      preHandler,
    },
    async (request, reply) => {
      const { type, to: target, reason, dryRun = false } = request.body;
      const principal = principalOf(request);
      checkPermission(principal, NEEDED[type]);
      const { messages, complete } = await frozenList(
        context.trace,
        request.body,
        principal.visibleHosts,
        abortSignal(reply),
      );
      const found = { total: messages.length, complete, sample: messages.slice(0, SAMPLE) };
      if (dryRun) return { job: undefined, ...found };
      if (messages.length === 0) throw new ApiError(409, 'CONFLICT', 'no message fits');
      const ids = messages.map(({ id }) => id);
      const detail = { type, target, reason, total: ids.length };
      const act = { action: 'message.bulk', object: 'messages', detail };
      return audited(context, request, act, async () => ({
        job: jobs.start({ type, target, reason, by: principal.name, ids }),
        ...found,
      }));
    },
  );
}

function jobViews(app: Api, context: ApiContext): void {
  const { jobs } = context;

  app.get(
    '/jobs',
    {
      schema: { tags, summary: 'Jobs, newest first.', response: { 200: Jobs } },
      preHandler,
    },
    async () => ({ jobs: jobs.store.list(JOBS) }),
  );

  app.get(
    '/jobs/:id',
    {
      schema: { tags, summary: 'How far a job is.', params: JobParameters, response: { 200: Job } },
      preHandler,
    },
    async (request) => jobNamed(context, request.params.id),
  );

  app.get(
    '/jobs/:id/items',
    {
      schema: {
        tags,
        summary: 'What became of each message of a job.',
        params: JobParameters,
        querystring: JobItemQuery,
        response: { 200: JobItems },
      },
      preHandler,
    },
    async (request) => {
      const { id } = jobNamed(context, request.params.id);
      const { limit = 200, ...page } = request.query;
      const items = jobs.store.items(id, { ...page, limit });
      return { items, next: items.length < limit ? undefined : items.at(-1)?.n };
    },
  );
}

function jobCancel(app: Api, context: ApiContext): void {
  const { jobs } = context;

  app.post(
    '/jobs/:id/cancel',
    {
      schema: {
        tags,
        summary: 'Finishes the message it is at and begins no other.',
        params: JobParameters,
        response: { 200: Job },
      },
      preHandler,
    },
    (request) => {
      const { id } = jobNamed(context, request.params.id);
      return audited(context, request, { action: 'job.cancel', object: `job ${id}` }, async () => {
        jobs.cancel(id);
        return jobNamed(context, id);
      });
    },
  );
}

function jobNamed({ jobs }: ApiContext, id: number): Job {
  const job = jobs.store.find(id);
  if (job === undefined) throw new ApiError(404, 'NOT_FOUND', `there is no job ${id}`);
  return job;
}
