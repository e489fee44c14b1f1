import { queryOptions } from '@tanstack/react-query';
import type { Productions } from '../../../src/api/contract/production.ts';
import { ask, knowOwn } from './client.ts';

/** Milliseconds. */
const EVERY = 5_000;

/** One that is started later appears by itself. */
export const productions = queryOptions({
  queryKey: ['productions'],
  queryFn: async ({ signal }) => {
    const list = await ask<Productions>('productions', { signal });
    knowOwn(list.own);
    return list;
  },
  staleTime: EVERY,
  refetchInterval: EVERY,
});
