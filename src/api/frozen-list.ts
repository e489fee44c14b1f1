import { randomUUID } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { principalOf } from '../access/rights/require-permission.ts';
import type { Status } from '../message/status.ts';
import type { FindOptions, TraceReader } from '../trace/trace-store.ts';
import type { TracedMessage } from '../trace/traced-message.ts';
import { ApiError } from '../web/api-error.ts';
import type { ApiContext } from './context.ts';
import { JOB_LIMIT, type JobRequest } from './contract/job.ts';
import { shownTo } from './shown-to.ts';

/** The messages of a bulk order. Only their ids are held, since there may be many. */
export interface FrozenList {
  /** In the order they were made. */
  readonly ids: readonly number[];
  /** The first of them. */
  readonly sample: readonly TracedMessage[];
  /** false: these are the newest, and there are more than a job takes. */
  readonly complete: boolean;
  /** How many were left out since they hold more than what was searched for: see `holdingOthers`. */
  readonly leftOut?: number;
  /** How many have which status; not known of a list that is kept. */
  readonly statuses?: Partial<Record<Status, number>>;
}

/** Selects the messages of an order: exactly one of these. */
export type WhichMessages = Pick<JobRequest, 'ids' | 'criteria' | 'list'>;

/** How many messages of a list are shown. */
const SAMPLE = 10;
const PAGE = 1_000;

/**
 * The messages of a bulk order, as of now: what matches later is not part of it, and nothing is
 * ever done to a message that was not listed. Who searches for a patient means what is about them: a file that holds
 * others as well is left out, and can only be acted on by its id.
 */
export async function frozenList(
  trace: Pick<TraceReader, 'find' | 'message'>,
  { ids, criteria, list }: WhichMessages,
  visible: readonly string[] | undefined,
  {
    most = JOB_LIMIT,
    originals = false,
    ...options
  }: FindOptions & { readonly most?: number; readonly originals?: boolean },
): Promise<FrozenList> {
  if ([ids, criteria, list].filter((one) => one !== undefined).length !== 1) {
    throw new ApiError(400, 'REQUEST_INVALID', 'give one of list, ids and criteria');
  }
  if (ids !== undefined) return listOfIds(trace, ids, visible);
  const found: number[] = [];
  const statuses: Partial<Record<Status, number>> = {};
  let sample: readonly TracedMessage[] = [];
  let after: string | undefined;
  let leftOut = 0;
  do {
    const limit = Math.min(PAGE, most - found.length);
    const page = await trace.find({ ...criteria, visible, after, limit }, options);
    // what is tried out on an original does nothing to the others in it
    const shared = new Set(originals ? [] : page.shared);
    leftOut += shared.size;
    // acting on a message means acting on its target
    const items = page.items.filter(
      (one) =>
        !shared.has(one.id) &&
        (visible?.includes(one.target) ?? true) &&
        (!originals || (one.id === one.sessionId && one.resendOf === undefined)),
    );
    for (const { id, status } of items) {
      found.push(id);
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
    sample = [...sample, ...items].toSorted(byId).slice(0, SAMPLE);
    after = page.next;
  } while (after !== undefined && found.length < most);
  return {
    ids: found.toSorted((a, b) => a - b),
    sample,
    complete: after === undefined,
    statuses,
    ...(leftOut === 0 ? {} : { leftOut }),
  };
}

async function listOfIds(
  trace: Pick<TraceReader, 'message'>,
  given: readonly number[],
  visible: readonly string[] | undefined,
): Promise<FrozenList> {
  const ids = [...new Set(given)].toSorted((a, b) => a - b);
  const sample: TracedMessage[] = [];
  const statuses: Partial<Record<Status, number>> = {};
  for (const id of ids) {
    const message = await trace.message(id);
    if (message === undefined || !(visible?.includes(message.target) ?? true)) {
      throw new ApiError(404, 'NOT_FOUND', `there is no message ${id} in the trace`);
    }
    statuses[message.status] = (statuses[message.status] ?? 0) + 1;
    if (sample.length < SAMPLE) sample.push(message);
  }
  return { ids, sample, complete: true, statuses };
}

export interface KeptList extends FrozenList {
  /** The name under which the list can be requested again, for a day. */
  readonly list: string;
}

/**
 * The named list, or a new one, which is kept.
 *
 * @param name of a new one, so that it is made only once, however often it is requested
 */
export async function keptList(
  context: ApiContext,
  request: FastifyRequest & { readonly body: WhichMessages },
  {
    name,
    signal,
    most = JOB_LIMIT,
    originals = false,
  }: {
    readonly name?: string | undefined;
    readonly signal: AbortSignal;
    /** The most messages of a new list. */
    readonly most?: number | undefined;
    /** Only what services took in, each once. */
    readonly originals?: boolean | undefined;
  },
): Promise<KeptList> {
  const { trace, jobs } = context;
  const principal = principalOf(request);
  const { name: owner, visibleHosts: visible } = principal;
  const { list: named, ids: givenIds, criteria } = request.body;
  const list = named ?? name ?? randomUUID();
  const known = await jobs.lists.find(list, { owner, visible });
  if (known !== undefined) return { ...known, list, sample: await sampleOf(trace, known.ids) };
  if (named !== undefined) {
    throw new ApiError(404, 'NOT_FOUND', 'this list is no longer kept: make it again first');
  }
  const frozen = await frozenList(trace, { ids: givenIds, criteria }, visible, {
    signal,
    most,
    originals,
    shown: shownTo(context, principal),
  });
  const { ids, complete } = frozen;
  await jobs.lists.keep(list, { owner, ids, visible, complete });
  return { list, ...frozen };
}

/** The first messages of a kept list, without those purged meanwhile. */
export async function sampleOf(
  trace: Pick<TraceReader, 'message'>,
  ids: readonly number[],
): Promise<readonly TracedMessage[]> {
  const found = await Promise.all(ids.slice(0, SAMPLE).map((id) => trace.message(id)));
  return found.filter((one) => one !== undefined);
}

const byId = (a: TracedMessage, b: TracedMessage): number => a.id - b.id;
