import type { FastifyRequest } from 'fastify';
import { maskedText } from '../../access/rights/masked-text.ts';
import { ordererOf } from '../../access/rights/orderer.ts';
import type { Principal } from '../../access/rights/principal.ts';
import {
  checkPermission,
  principalOf,
  requirePermission,
} from '../../access/rights/require-permission.ts';
import { JOB_PERMISSION, mostAtOnce } from '../../operator/job/job-rights.ts';
import type { ItemEnd } from '../../operator/job/job-store.ts';
import { abortSignal } from '../../web/abort-signal.ts';
import type { Api } from '../../web/api.ts';
import { ApiError } from '../../web/api-error.ts';
import { closed, Id } from '../../web/schema.ts';
import { audited, checkVisibleHost } from '../acting.ts';
import type { ApiContext } from '../context.ts';
import {
  JOB_LIMIT,
  Job,
  JobAnswer,
  JobItemQuery,
  JobItems,
  JobRequest,
  JobResults,
  Jobs,
} from '../contract/job.ts';
import { type KeptList, keptList } from '../frozen-list.ts';
import { OrderHeaders, orderName } from '../order-name.ts';
import { checkSearch, type SearchRecorder } from '../searching.ts';
import { shownMessage, shownWithText } from '../shown.ts';

const tags = ['jobs'];
const JobParameters = closed({ id: Id });
const JOBS = 200;
const onRequest = requirePermission('message.bulk');

/** Acts on many messages: on a frozen list, in the background, with a result for each. */
export function jobRoutes(app: Api, context: ApiContext, recorded: SearchRecorder): void {
  jobStart(app, context, recorded);
  jobViews(app, context);
  jobResults(app, context);
  jobSteering(app, context);
}

function jobStart(app: Api, context: ApiContext, recorded: SearchRecorder): void {
  app.post(
    '/jobs',
    {
      schema: {
        tags,
        summary:
          'Resends, reprocesses, discards or aborts many messages, or reports how many it would be.',
        headers: OrderHeaders,
        body: JobRequest,
        response: { 200: JobAnswer },
      },
      onRequest,
    },
    async (request, reply) => {
      const { type, to, dryRun = false, criteria, limit = JOB_LIMIT } = request.body;
      const principal = principalOf(request);
      checkPermission(principal, JOB_PERMISSION[type]);
      if (to !== undefined) checkVisibleHost(request, to);
      // the same order twice makes one job
      const { list: _list, ...asked } = request.body;
      const name = orderName(request, [JSON.stringify(asked)]);
      const freeze = () => keptList(context, request, { name, signal: abortSignal(reply) });
      if (criteria !== undefined) checkSearch(principal, criteria);
      const frozen = await (criteria === undefined
        ? freeze()
        : recorded(request, criteria, freeze));
      const { list, ids, complete, sample, statuses, leftOut } = frozen;
      const shown = sample.map((one) => shownMessage(principal, one));
      const most = mostAtOnce(principal, context.bulkLimit) ?? JOB_LIMIT;
      const found = { list, total: ids.length, complete, most, statuses, leftOut, sample: shown };
      if (dryRun) return { job: undefined, ...found };
      if (ids.length === 0) throw new ApiError(409, 'CONFLICT', 'no message matches');
      const chosen = ids.slice(0, limit);
      if (chosen.length > most) throw tooMany(principal, most);
      return { job: await jobOnce(context, request, { list, ids: chosen }), ...found };
    },
  );
}

type JobOrder = FastifyRequest & { readonly body: JobRequest };

/** The job for a list: made now, or by an earlier order. */
function jobOnce(
  context: ApiContext,
  request: JobOrder,
  { list, ids }: Pick<KeptList, 'list' | 'ids'>,
): Promise<Job> {
  const { jobs } = context;
  const { type, to: target, reason } = request.body;
  const orderer = ordererOf(principalOf(request));
  const detail = { type, target, reason, total: ids.length, list };
  const act = { action: 'message.bulk', object: 'messages', detail };
  return audited(context, request, act, async () => {
    const job = await jobs.start({ type, target, reason, orderer, ids, list });
    return sameJob(await jobNamed(context, request, job.id), { type, target, total: ids.length });
  });
}

function jobViews(app: Api, context: ApiContext): void {
  const { jobs } = context;

  app.get(
    '/jobs',
    {
      schema: { tags, summary: 'Jobs, newest first.', response: { 200: Jobs } },
      onRequest,
    },
    async (request) => ({
      jobs: (await jobs.store.list(JOBS)).filter((job) => isShown(request, job)),
    }),
  );

  app.get(
    '/jobs/:id',
    {
      schema: {
        tags,
        summary: 'The progress of a job.',
        params: JobParameters,
        response: { 200: Job },
      },
      onRequest,
    },
    async (request) => jobNamed(context, request, request.params.id),
  );

  app.get(
    '/jobs/:id/items',
    {
      schema: {
        tags,
        summary: 'The result for each message of a job.',
        params: JobParameters,
        querystring: JobItemQuery,
        response: { 200: JobItems },
      },
      onRequest,
    },
    async (request) => {
      const { id } = await jobNamed(context, request, request.params.id);
      const { limit = 200, ...page } = request.query;
      const items = await jobs.store.items(id, { ...page, limit });
      const viewer = principalOf(request);
      const shown = items.map(({ outcome, ...one }) => ({
        ...shownWithText(viewer, one),
        outcome: outcome && shownResult(viewer, outcome),
      }));
      return { items: shown, next: items.length < limit ? undefined : items.at(-1)?.n };
    },
  );
}

/** The results grouped by cause. */
function jobResults(app: Api, context: ApiContext): void {
  app.get(
    '/jobs/:id/results',
    {
      schema: {
        tags,
        summary: 'What happened to the messages that a job made, grouped by cause.',
        params: JobParameters,
        response: { 200: JobResults },
      },
      onRequest,
    },
    async (request) => {
      const { id } = await jobNamed(context, request, request.params.id);
      const viewer = principalOf(request);
      const groups = await context.jobs.store.results(id);
      return { groups: groups.map((one) => shownResult(viewer, one)) };
    },
  );
}

/** If a message went on to a host that the viewer may not see, they only learn how it ended. */
function shownResult<Result extends ItemEnd>(
  { unmasked, visibleHosts }: Principal,
  result: Result,
): Result {
  const { host, cause } = result;
  if (host !== undefined && visibleHosts?.includes(host) === false)
    return { ...result, messageId: undefined, host: undefined, code: undefined, cause: undefined };
  if (cause === undefined || (unmasked && visibleHosts === undefined)) return result;
  return { ...result, cause: maskedText(cause) };
}

function jobSteering(app: Api, context: ApiContext): void {
  const { jobs } = context;
  const order = (
    verb: 'cancel' | 'pause' | 'resume',
    summary: string,
    run: (id: number) => Promise<void>,
  ) =>
    app.post(
      `/jobs/:id/${verb}`,
      { schema: { tags, summary, params: JobParameters, response: { 200: Job } }, onRequest },
      async (request) => {
        const { id } = await jobNamed(context, request, request.params.id);
        const act = { action: `job.${verb}`, object: `job ${id}` };
        return audited(context, request, act, async () => {
          await run(id);
          return jobNamed(context, request, id);
        });
      },
    );
  order('cancel', 'Finishes what is under way and starts nothing else.', (id) => jobs.cancel(id));
  order('pause', 'Finishes what is under way; the rest waits until it is resumed.', (id) =>
    jobs.pause(id),
  );
  order('resume', 'Continues a paused job.', (id) => jobs.resume(id));
}

function sameJob(job: Job, { type, target, total }: Pick<Job, 'type' | 'target' | 'total'>): Job {
  if (job.type === type && job.target === target && job.total === total) return job;
  throw new ApiError(
    409,
    'CONFLICT',
    `job ${job.id} was made from this list: make the list again first`,
  );
}

function tooMany({ name }: Principal, most: number): ApiError {
  const what = `${name} may act on ${most} messages at once: order with a limit`;
  return new ApiError(403, 'FORBIDDEN', `${what}, or narrow the search`);
}

/** Those who see every host see every job; others only their own. */
function isShown(request: FastifyRequest, { by }: Job): boolean {
  const { name, visibleHosts } = principalOf(request);
  return visibleHosts === undefined || by === name;
}

async function jobNamed({ jobs }: ApiContext, request: FastifyRequest, id: number): Promise<Job> {
  const job = await jobs.store.find(id);
  if (job === undefined || !isShown(request, job)) {
    throw new ApiError(404, 'NOT_FOUND', `there is no job ${id}`);
  }
  return job;
}
