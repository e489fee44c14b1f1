import { isAway } from '../../broker/away.ts';
import type { Broker } from '../../broker/broker.ts';
import { askSigned } from '../../control/control.ts';
import type { BulkOrder, BulkResult } from '../../control/orders.ts';
import { ENGINE } from '../../control/verbs.ts';
import type { ErrorCode } from '../../error/codes.ts';
import { describeError, EngineError, isEngineError } from '../../error/engine-error.ts';
import { unless } from '../../error/foreseen.ts';
import type { TraceReader } from '../../trace/trace-store.ts';
import { abortTraced } from '../abort.ts';
import type { Engines } from '../engines.ts';
import { reprocessRequest, resendRequest } from '../resend.ts';
import type { ItemResult, Job, JobItem, JobType } from './job-store.ts';

/** How a message was dealt with, or why its order has to be given again. */
export type WorkResult = ItemResult | Again;

export interface Again {
  readonly again: string;
  /** Part of it may be done; otherwise the message is as it was. */
  readonly begun: boolean;
  /** Why this one alone failed, although what it needs is there: it must not hold up the others. */
  readonly own?: string | undefined;
}

/** What a job does with its messages, some at a time. */
export interface JobWork<Order> {
  /** How many at a time. */
  most(type: JobType): number;
  /**
   * Reads what the order for a message needs. Rejects with the reason if there can be none, for
   * example if its host is not among the `visible` ones.
   */
  prepare(job: Job, item: JobItem, visible: readonly string[] | undefined): Promise<Order>;
  /** Gives the orders, in their order; never rejects. */
  carryOut(job: Job, orders: readonly Order[]): Promise<readonly WorkResult[]>;
}

/** Messages per request: enough that the writes of many share a sync of the disk. */
const WINDOW = 128;
/** Each of these asks every engine. */
const ABORTS = 8;
/** Bytes of bodies per request; NATS accepts 1 MB at once unless configured otherwise. */
const BYTES = 512 * 1024;
/** Milliseconds for all of a request; the engine waits for orders that another one may still be carrying out. */
const LIMIT = 15_000;

export interface JobWorkOptions {
  readonly broker: Broker;
  readonly trace: TraceReader;
  readonly engines: Pick<Engines, 'end' | 'status'>;
}

interface InBulk {
  readonly order: BulkOrder;
  readonly body: Uint8Array;
}
export type JobOrder = InBulk | { readonly abort: number };

/** What each type of job does with a message. */
export function jobWork(parts: JobWorkOptions): JobWork<JobOrder> {
  const { trace } = parts;
  return {
    most: (type) => (type === 'abort' || type === 'set-aside' ? ABORTS : WINDOW),
    async prepare(job, item, visible) {
      await checkVisible(trace, item.messageId, visible);
      return orderFor(trace, job, item);
    },
    async carryOut(job, orders) {
      const aborts = orders.flatMap((one) => ('abort' in one ? [one.abort] : []));
      if (aborts.length > 0) return Promise.all(aborts.map((of) => aborted(parts, job, of)));
      return inRequests(
        parts.broker,
        orders.flatMap((one) => ('abort' in one ? [] : [one])),
      );
    },
  };
}

async function orderFor(
  trace: TraceReader,
  { id, type, by, reason = `job ${id}`, target, created }: Job,
  { n, messageId, begun }: JobItem,
): Promise<JobOrder> {
  if (type === 'abort' || type === 'set-aside') return { abort: messageId };
  // ids start again if the database is lost
  const job = `job-${created}-${id}`;
  const order = `${job}-${n}`;
  if (!begun && type !== 'discard') await checkOpen(trace, messageId, { by, created });
  if (type === 'resend') {
    const resent = { id: messageId, to: target, by, reason, order };
    const { request, body } = await resendRequest(trace, resent);
    return { order: { ...request, act: 'resend', order, bytes: body.byteLength }, body };
  }
  if (type === 'reprocess') {
    const targets = target === undefined ? undefined : [target];
    // messages of one session have one original: it is processed once
    const again = { id: messageId, targets, by, reason, order: job };
    const { request, body } = await reprocessRequest(trace, again);
    const named = request.order ?? order;
    return {
      order: { ...request, act: 'reprocess', order: named, bytes: body.byteLength },
      body,
    };
  }
  const message = await trace.message(messageId);
  if (message === undefined) throw notThere(messageId);
  const { id: of, sessionId, target: at } = message;
  const discarded = { message: { id: of, sessionId, target: at }, by, reason };
  return { order: { ...discarded, act: 'discard', order, bytes: 0 }, body: new Uint8Array(0) };
}

/** What was suspended when the job was ordered may have been dealt with since, message by message. */
async function checkOpen(
  trace: TraceReader,
  id: number,
  job: Pick<Job, 'by' | 'created'>,
): Promise<void> {
  const { status, done = 0, by, target } = (await trace.message(id)) ?? {};
  // the job itself deals with several of a session at once
  if (status !== 'discarded' || by === undefined || by === job.by || done <= job.created) return;
  throw new EngineError(
    'NOT_FOUND',
    `message ${id} at ${target} is no longer suspended: ${by} has dealt with it since this job was ordered`,
  );
}

async function aborted(
  { engines, trace }: JobWorkOptions,
  { id: job, type, by, reason = `job ${job}` }: Job,
  id: number,
): Promise<WorkResult> {
  try {
    await abortTraced(engines, trace, { id, keep: type === 'set-aside', by, reason });
    return { state: 'done' };
  } catch (error) {
    if (!isAwayNow(error)) return failed(error);
    const { code, text } = describeError(error);
    // one that is repeated finds that its message has ended
    return { again: text, begun: false, own: (await isAnswering(engines)) ? code : undefined };
  }
}

const AWAY: ReadonlySet<string> = new Set<ErrorCode>(['BROKER_UNAVAILABLE', 'STORE_UNAVAILABLE']);

/** Whether what the work needs is away: an engine, NATS or the trace. */
export const isAwayNow = (error: unknown): boolean =>
  isEngineError(error) && error.retryable && AWAY.has(error.code);

/** Whether an engine answers now. */
async function isAnswering(engines: Pick<Engines, 'status'>): Promise<boolean> {
  const reports = await engines.status().catch(unless(isAway, 'asking whether an engine answers'));
  return reports !== undefined && reports.length > 0;
}

/** As many requests as their bodies need, one after another, up to the first that has to be given again. */
async function inRequests(
  broker: Broker,
  orders: readonly InBulk[],
): Promise<readonly WorkResult[]> {
  const results: WorkResult[] = [];
  let why: string | undefined;
  const most = Math.min(BYTES, (broker.connection.info?.max_payload ?? BYTES) / 2);
  for (const some of bySize(orders, most)) {
    const again = why;
    const answers: readonly WorkResult[] =
      again === undefined ? await asked(broker, some) : some.map(() => ({ again, begun: false }));
    results.push(...answers);
    why ??= answers.find((one) => 'again' in one)?.again;
  }
  return results;
}

async function asked(broker: Broker, some: readonly InBulk[]): Promise<readonly WorkResult[]> {
  const orders = some.map(({ order }) => order);
  const body = Buffer.concat(some.map((one) => one.body));
  let results: readonly BulkResult[];
  try {
    results = await askSigned(broker, ENGINE.carryOut, { orders }, { body, timeout: LIMIT });
  } catch (error) {
    if (isEngineError(error) && !error.retryable) return some.map(() => failed(error));
    const { text } = describeError(error);
    return some.map(() => ({ again: text, begun: true }));
  }
  return results.map(resultOf);
}

function resultOf(result: BulkResult): WorkResult {
  if (!('failure' in result)) return { state: 'done', resultId: result.sent?.messageId };
  const { code, text, retryable, untouched = false, own = false } = result.failure;
  if (!retryable) return { state: 'failed', code, text };
  return { again: text, begun: !untouched, own: own ? code : undefined };
}

function* bySize(orders: readonly InBulk[], most: number): Generator<readonly InBulk[]> {
  let some: InBulk[] = [];
  let bytes = 0;
  for (const one of orders) {
    if (some.length > 0 && bytes + one.body.byteLength > most) {
      yield some;
      [some, bytes] = [[], 0];
    }
    some.push(one);
    bytes += one.body.byteLength;
  }
  if (some.length > 0) yield some;
}

export function failed(error: unknown): ItemResult {
  const { code, text } = describeError(error);
  return { state: 'failed', code, text };
}

const notThere = (id: number): EngineError =>
  new EngineError('NOT_FOUND', `there is no message ${id} in the trace`);

/** Acting on a message means acting on its target. */
async function checkVisible(
  trace: TraceReader,
  id: number,
  visible: readonly string[] | undefined,
): Promise<void> {
  if (visible === undefined) return;
  const message = await trace.message(id);
  if (message !== undefined && visible.includes(message.target)) return;
  throw notThere(id);
}
