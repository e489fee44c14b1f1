import { queryOptions } from '@tanstack/react-query';
import type { Productions } from '../../../src/api/contract/production.ts';
import { ask, knowOwn } from './client.ts';

/** Milliseconds. */
const EVERY = 5_000;

/** One that is started later appears by itself. */
export const productions = queryOptions({
  queryKey: ['productions'],
  queryFn: async ({ signal }) => known(await ask('GET /productions', { signal })),
  staleTime: EVERY,
  refetchInterval: EVERY,
});

/** The list, once it is known which of them is the console's own. */
export function known(list: Productions): Productions {
  knowOwn(list.own);
  return list;
}
