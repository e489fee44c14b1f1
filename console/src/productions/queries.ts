import { queryOptions } from '@tanstack/react-query';
import type { JobAnswer, JobRequest } from '../../../src/api/contract/job.ts';
import type { SearchCriteria, SearchRequest } from '../../../src/api/contract/message.ts';
import { ApiProblem, ask, type Call, type Operation, type Result } from '../api/client.ts';
import { t } from '../language/translate.ts';

/** Of pages that show several productions: each is asked on its own, so that none waits for another. */
const EVERY = 5_000;

/** Milliseconds after which one that has not answered is named as missing, and asked again later. */
const WAIT = 10_000;

/** Milliseconds for a list of up to 100,000 messages. */
const LIST_WAIT = 60_000;

/** Asks one production, and no longer than it may take. */
async function askIn<O extends Operation>(
  production: string,
  operation: O,
  {
    signal,
    wait = WAIT,
    ...call
  }: Call<O> & { readonly signal: AbortSignal; readonly wait?: number },
): Promise<Result<O>> {
  const late = AbortSignal.timeout(wait);
  try {
    const given = { ...call, production, signal: AbortSignal.any([signal, late]) };
    return await ask(operation, given as unknown as Call<O>);
  } catch (error) {
    if (!late.aborted || signal.aborted) throw error;
    throw new ApiProblem(
      0,
      'SLOW',
      t('has not answered within {seconds} s', { seconds: wait / 1_000 }),
    );
  }
}

export const statusOf = (production: string) =>
  queryOptions({
    queryKey: ['productions', production, 'status'],
    queryFn: ({ signal }) => askIn(production, 'GET /status', { signal }),
    refetchInterval: EVERY,
  });

/** What the engines say, while the operator plane does not answer. */
export const briefOf = (production: string) =>
  queryOptions({
    queryKey: ['productions', production, 'brief'],
    queryFn: ({ signal }) => ask('GET /productions/{production}', { path: { production }, signal }),
    refetchInterval: EVERY,
  });

export const alertsOf = (production: string) =>
  queryOptions({
    queryKey: ['productions', production, 'alerts'],
    queryFn: ({ signal }) => askIn(production, 'GET /alerts', { signal }),
    refetchInterval: EVERY,
  });

export const jobsOf = (production: string) =>
  queryOptions({
    queryKey: ['productions', production, 'jobs'],
    queryFn: ({ signal }) => askIn(production, 'GET /jobs', { signal }),
    refetchInterval: EVERY,
  });

export const changesOf = (production: string) =>
  queryOptions({
    queryKey: ['productions', production, 'changes'],
    queryFn: ({ signal }) => askIn(production, 'GET /production/history', { signal }),
    refetchInterval: 4 * EVERY,
  });

export const hitsOf = (production: string, text: string) =>
  queryOptions({
    queryKey: ['productions', production, 'find', text],
    queryFn: ({ signal }) => askIn(production, 'GET /find', { query: { text, limit: 50 }, signal }),
    enabled: text !== '',
  });

export const failuresOf = (production: string) =>
  queryOptions({
    queryKey: ['productions', production, 'failures'],
    queryFn: ({ signal }) => askIn(production, 'GET /failures', { signal }),
    refetchInterval: EVERY,
  });

/** The names of its search fields; each production has its own. */
export const fieldsOf = (production: string) =>
  queryOptions({
    queryKey: ['productions', production, 'fields'],
    queryFn: ({ signal }) => askIn(production, 'GET /messages/fields', { signal }),
    staleTime: 4 * EVERY,
  });

/** @param limit how many of them; the rows stay while more are asked for */
export const messagesOf = (production: string, search: SearchRequest, limit: number) =>
  queryOptions({
    queryKey: ['productions', production, 'messages', JSON.stringify(search), `${limit}`],
    queryFn: ({ signal }) =>
      askIn(production, 'POST /messages/search', { body: { ...search, limit }, signal }),
    refetchOnWindowFocus: false,
    refetchInterval: ({ state }) => (state.status === 'error' ? EVERY : false),
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: (before, query) =>
      query?.queryKey[3] === JSON.stringify(search) ? before : undefined,
  });

/**
 * How many messages an order would be, as a list that is kept: the same order gets the same list, and one list one job,
 * however often both are asked for.
 */
export const listOf = (
  production: string,
  {
    type,
    criteria,
    order,
  }: {
    readonly type: JobRequest['type'];
    readonly criteria: SearchCriteria;
    readonly order: string;
  },
) =>
  queryOptions({
    queryKey: ['productions', production, 'list', type, order, JSON.stringify(criteria)],
    queryFn: ({ signal }) =>
      askIn(production, 'POST /jobs', {
        body: { type, criteria, reason: '', dryRun: true } satisfies JobRequest,
        once: order,
        wait: LIST_WAIT,
        signal,
      }),
    refetchOnWindowFocus: false,
    refetchInterval: ({ state }) => (state.status === 'error' ? EVERY : false),
    staleTime: Number.POSITIVE_INFINITY,
  });

/** Orders a job from a kept list. */
export const orderIn = (production: string, order: JobRequest): Promise<JobAnswer> =>
  ask('POST /jobs', { production, body: order });

export const jobIn = (production: string, id: number) =>
  queryOptions({
    queryKey: ['productions', production, 'job', `${id}`],
    queryFn: ({ signal }) => askIn(production, 'GET /jobs/{id}', { path: { id }, signal }),
    refetchInterval: ({ state }) => (state.data?.ended === undefined ? 1_000 : EVERY),
  });
