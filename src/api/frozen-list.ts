import type { FindOptions, TraceReader } from '../trace/trace-store.ts';
import type { TracedMessage } from '../trace/traced-message.ts';
import { ApiError } from '../web/api-error.ts';
import { JOB_LIMIT, type JobRequest } from './contract/job.ts';

export interface FrozenList {
  /** In the order they were made. */
  readonly messages: readonly TracedMessage[];
  /** false: there are more than a job takes. */
  readonly complete: boolean;
}

const PAGE = 1_000;

/** The messages of a bulk order as they are now: what comes to fit later is not part of it, and nothing is ever done to what was not listed. */
export async function frozenList(
  trace: Pick<TraceReader, 'find' | 'message'>,
  { ids, criteria, list }: Pick<JobRequest, 'ids' | 'criteria' | 'list'>,
  visible: readonly string[] | undefined,
  options: FindOptions,
): Promise<FrozenList> {
  if ([ids, criteria, list].filter((one) => one !== undefined).length !== 1) {
    throw new ApiError(400, 'REQUEST_INVALID', 'give one of list, ids and criteria');
  }
  if (ids !== undefined) return { messages: await named(trace, ids, visible), complete: true };
  const messages: TracedMessage[] = [];
  let after: string | undefined;
  do {
    const page = await trace.find({ ...criteria, visible, after, limit: PAGE }, options);
    // to act on a message is to act on its target
    messages.push(...page.items.filter(({ target }) => visible?.includes(target) ?? true));
    after = page.next;
  } while (after !== undefined && messages.length < JOB_LIMIT);
  const taken = messages.slice(0, JOB_LIMIT);
  return { messages: taken.toSorted((a, b) => a.id - b.id), complete: after === undefined };
}

async function named(
  trace: Pick<TraceReader, 'message'>,
  ids: readonly number[],
  visible: readonly string[] | undefined,
): Promise<TracedMessage[]> {
  const messages: TracedMessage[] = [];
  for (const id of [...new Set(ids)].toSorted((a, b) => a - b)) {
    const message = await trace.message(id);
    if (message === undefined || !(visible?.includes(message.target) ?? true)) {
      throw new ApiError(404, 'NOT_FOUND', `there is no message ${id} in the trace`);
    }
    messages.push(message);
  }
  return messages;
}
