import { queryOptions, useQuery } from '@tanstack/react-query';
import type { Me as Answer } from '../../../src/api/contract/me.ts';
import { answers, status } from '../api/answers.ts';
import { isAway, isForeign403 } from '../api/away.ts';
import { ApiProblem, ask, elsewhere, keepPerson, PRODUCTION } from '../api/client.ts';
import { known as knownList, productions } from '../api/productions.ts';
import { noteServerTime } from '../clock/server-clock.ts';

/** Who is signed in and what they may do. */
export type Me = Pick<Answer, 'name'> &
  Partial<Answer> & {
    /** Why nothing of the production can be shown now. */
    readonly away?: unknown;
  };

/** Without a sign-in, everything is allowed. */
const EVERYBODY: Me = { name: '' };

export const me = queryOptions({
  queryKey: ['me'],
  queryFn: async ({ signal }): Promise<Me> => {
    try {
      const own = PRODUCTION === undefined ? (['status'] as const) : [];
      const query = { with: [...own, 'productions'] as const };
      const known = begun(await ask('GET /me', { query, signal, ofConsole: true }));
      keepPerson(known);
      return PRODUCTION === undefined || known.mustChangePassword === true
        ? known
        : await there(known, signal);
    } catch (error) {
      if (error instanceof ApiProblem && error.status === 404) return EVERYBODY;
      // whoever is signed in may ask this: it is a page of a proxy's
      if (error instanceof ApiProblem && isForeign403(error)) throw elsewhere();
      throw error;
    }
  },
  staleTime: 60_000,
  // the pages come back by themselves
  refetchInterval: ({ state: { data, error } }) =>
    data?.away !== undefined || isAway(error) ? AGAIN : false,
  // that a server is away is said at once
  retry: false,
});

/** Keeps what came with it for the parts of the page that would ask for it next. */
function begun({ status: figures, productions: list, ...user }: Me): Me {
  if (figures !== undefined) {
    noteServerTime(figures.at, Date.now());
    answers.setQueryData(status.queryKey, figures);
  }
  if (list !== undefined) answers.setQueryData(productions.queryKey, knownList(list));
  return user;
}

/** Milliseconds. */
const AGAIN = 3_000;

/** What somebody may do in another production, as that production decides. */
async function there(known: Me, signal: AbortSignal): Promise<Me> {
  try {
    const answer = begun(await ask('GET /me', { query: { with: ['status'] }, signal }));
    return { ...answer, ...(known.via === undefined ? {} : { via: known.via }) };
  } catch (away) {
    if (!(away instanceof ApiProblem) || away.status === 401) throw away;
    return { ...known, permissions: [], away };
  }
}

/** One permission. */
export type Permission = Answer['permissions'][number];

/** Whether the user may do something; acts that are not allowed are not offered. */
export function useMay(): (permission: Permission) => boolean {
  const { data } = useQuery(me);
  return (permission) => data?.permissions === undefined || data.permissions.includes(permission);
}
