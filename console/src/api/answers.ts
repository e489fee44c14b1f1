import { MutationCache, QueryCache, QueryClient, queryOptions } from '@tanstack/react-query';
import { noteServerTime } from '../clock/server-clock.ts';
import { isForeign403 } from './away.ts';
import { ApiProblem, ask } from './client.ts';

// this is loaded before the first page; the queries of pages are in `queries.ts`

/** Whoever was signed out learns it from the first answer that says so, not once the page asks who is there. */
function noteSignedOut(error: Error): void {
  const { error: known } = answers.getQueryState(['me']) ?? {};
  const isKnown = known instanceof ApiProblem && known.status === 401;
  if (!(error instanceof ApiProblem) || isKnown) return;
  if (error.status === 401 || isForeign403(error))
    void answers.invalidateQueries({ queryKey: ['me'] });
}

const isUnavailable = (error: Error | null): boolean =>
  error instanceof ApiProblem && error.status === 503;

/** Answers are cached while a page uses them; a failed request is not repeated if that cannot help. */
export const answers: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    onError: (error, { queryKey: [first] }) => first !== 'me' && noteSignedOut(error),
  }),
  mutationCache: new MutationCache({ onError: noteSignedOut }),
  defaultOptions: {
    queries: {
      staleTime: 2_000,
      // a browser that believes it has no network would wait in silence: asking says why there is no answer
      networkMode: 'always',
      retry: (failures, error) =>
        !(error instanceof ApiProblem && error.status > 0) && failures < 2,
      refetchOnWindowFocus: true,
      // an engine that starts or is busy, a store that is away: it is there soon, and nobody else would ask again
      refetchInterval: ({ state }) => (isUnavailable(state.error) ? LIVE : false),
    },
    mutations: { networkMode: 'always' },
  },
});

/** How often changing data is fetched again if the live stream does not report it. */
export const LIVE = 3_000;

export const status = queryOptions({
  queryKey: ['status'],
  queryFn: async ({ signal }) => {
    const answer = await ask('GET /status', { signal });
    noteServerTime(answer.at, Date.now());
    return answer;
  },
  refetchInterval: LIVE,
});
