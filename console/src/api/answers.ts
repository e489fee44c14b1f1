import { QueryClient, queryOptions } from '@tanstack/react-query';
import type { Status } from '../../../src/api/contract/status.ts';
import { ApiProblem, ask } from './client.ts';

// what is here is loaded before the first page; questions of pages stand in `queries.ts`

/** Answers are kept while a page looks at them; a failed question is not repeated when repeating cannot help. */
export const answers = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 2_000,
      retry: (failures, error) =>
        !(error instanceof ApiProblem && error.status > 0) && failures < 2,
      refetchOnWindowFocus: true,
    },
  },
});

/** How often what changes by itself is asked for again where the live stream does not tell of it. */
export const LIVE = 3_000;

export const status = queryOptions({
  queryKey: ['status'],
  queryFn: ({ signal }) => ask<Status>('status', { signal }),
  refetchInterval: LIVE,
});
