import { FIND_LIMIT_MAX, FIND_TIME_BUDGET, type TraceQuery } from '../trace/trace-query.ts';
import type { FindOptions, TraceReader } from '../trace/trace-store.ts';
import type { MessageCount } from './contract/message.ts';

/** Counts what a query finds, until its time budget ends; `next` goes on from there. */
export async function countMessages(
  trace: Pick<TraceReader, 'find'>,
  query: TraceQuery,
  options: FindOptions,
): Promise<MessageCount> {
  const end = performance.now() + (query.timeBudget ?? FIND_TIME_BUDGET);
  let count = 0;
  let after = query.after;
  for (;;) {
    const timeBudget = Math.max(10, end - performance.now());
    const page = await trace.find({ ...query, after, limit: FIND_LIMIT_MAX, timeBudget }, options);
    count += page.items.length;
    after = page.next;
    if (page.complete || after === undefined || performance.now() > end) {
      const { next, searchedBackTo, complete } = page;
      return { count, next, searchedBackTo, complete };
    }
  }
}
