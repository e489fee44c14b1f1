import type { FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import {
  type Look,
  type LookRecorder,
  lookRecorder,
  withEmergency,
} from '../access/audit/audit.ts';
import type { Principal } from '../access/rights/principal.ts';
import { principalOf } from '../access/rights/require-permission.ts';
import { FIND_LIMIT_MAX, FIND_TIME_BUDGET, type TraceQuery } from '../trace/trace-query.ts';
import type { FindOptions, TraceReader } from '../trace/trace-store.ts';
import { ApiError } from '../web/api-error.ts';
import type { ApiContext } from './context.ts';
import type { MessageCount, SearchCriteria } from './contract/message.ts';

/**
 * Refuses searches whose hits would reveal, bit by bit, what is masked: by part of a body or the
 * beginning of a value. A whole value may be searched for, since the searcher already knows it.
 */
export function checkSearch(
  { name, unmasked }: Principal,
  { contains, search = {} }: Pick<SearchCriteria, 'contains' | 'search'>,
): void {
  if (unmasked) return;
  const guess =
    contains === undefined
      ? Object.values(search).some((value) => value.includes('*')) && 'by the beginning of a value'
      : 'in bodies';
  if (guess === false) return;
  throw new ApiError(403, 'FORBIDDEN', `${name} lacks message.content.unmasked to search ${guess}`);
}

/** Runs a search and records who searched for what. */
export type SearchRecorder = <Result>(
  request: FastifyRequest,
  criteria: SearchCriteria,
  run: () => Promise<Result>,
) => Promise<Result>;

export function searchRecorder(context: ApiContext, now: () => number = Date.now): SearchRecorder {
  const record = lookRecorder(now);
  return (request, criteria, run) => {
    // a continued search has other times, but it is the same search
    const { from: _from, to: _to, ...asked } = criteria;
    return record(
      context.audit,
      lookOf(request, {
        action: 'message.search',
        object: 'messages',
        detail: { criteria: asked },
      }),
      run,
    );
  };
}

/** Shows what is known about messages, without their bodies, and records who looked. */
export type ViewRecorder = <Result>(
  request: FastifyRequest,
  look: Look,
  run: () => Promise<Result>,
) => Promise<Result>;

export function viewRecorder(context: ApiContext): ViewRecorder {
  const record = lookRecorder();
  return (request, look, run) => record(context.audit, lookOf(request, look), run);
}

/** Records whose ids a list showed. */
export type ListedRecorder = (
  request: FastifyRequest,
  action: string,
  listed: readonly { readonly fields?: Readonly<Record<string, readonly string[]>> | undefined }[],
) => Promise<void>;

/** Milliseconds in which a list that is refreshed shows the same patient. */
const LISTED_AGAIN = 15 * 60_000;
const LISTED = 100_000;

/** Those who may not see patient data see such values masked: they have seen nobody. */
export function listedRecorder(context: ApiContext): ListedRecorder {
  // with `max` instead it would take its room, 4 MB, at once
  const known = new LRUCache<string, true>({
    maxSize: LISTED,
    sizeCalculation: () => 1,
    ttl: LISTED_AGAIN,
  });
  return async (request, action, listed) => {
    const { name, unmasked } = principalOf(request);
    if (!unmasked) return;
    const fields = context.patientFields();
    const values = listed.flatMap((one) => fields.flatMap((field) => one.fields?.[field] ?? []));
    const fresh = [...new Set(values)].filter((value) => !known.has(`${name} ${value}`));
    if (fresh.length === 0) return;
    const look = { action, object: 'messages', detail: { patient: fresh } };
    await context.audit.record({ ...lookOf(request, look), outcome: 'done' });
    for (const value of fresh) known.set(`${name} ${value}`, true);
  };
}

function lookOf(request: FastifyRequest, look: Look): Parameters<LookRecorder>[1] {
  const principal = principalOf(request);
  const { name, via } = principal;
  const detail = withEmergency(principal, look.detail);
  return { actor: { name, via }, ip: request.ip, ...look, detail };
}

/** Counts what a query finds, within its time budget; `next` continues from there. */
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
