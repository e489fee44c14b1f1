import { queryOptions, useQuery } from '@tanstack/react-query';
import type { Me as Answer } from '../../../src/api/contract/me.ts';
import { ApiProblem, ask, keepCsrfToken } from '../api/client.ts';

/** Who is signed in and what they may do. */
export type Me = Pick<Answer, 'name'> & Partial<Answer> & { readonly csrfToken?: string };

/** Without a sign-in, everything is allowed. */
const EVERYBODY: Me = { name: '' };

export const me = queryOptions({
  queryKey: ['me'],
  queryFn: async ({ signal }): Promise<Me> => {
    try {
      const known = await ask<Me>('me', { signal });
      keepCsrfToken(known.csrfToken);
      return known;
    } catch (error) {
      if (error instanceof ApiProblem && error.status === 404) return EVERYBODY;
      throw error;
    }
  },
  staleTime: 60_000,
});

/** One permission. */
export type Permission = Answer['permissions'][number];

/** Whether the user may do something; acts that are not allowed are not offered. */
export function useMay(): (permission: Permission) => boolean {
  const { data } = useQuery(me);
  return (permission) => data?.permissions === undefined || data.permissions.includes(permission);
}
