import { type UseQueryOptions, useQueries } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { ApiProblem, addressIn } from '../api/client.ts';
import { t } from '../language/translate.ts';
import type { Of } from './merged.ts';

interface Gathered<Item> {
  readonly items: readonly Of<Item>[];
  /** Productions whose part is missing, and why. */
  readonly missing: readonly { readonly production: string; readonly why: unknown }[];
  /** How many have not answered yet. */
  readonly open: number;
}

/** The same from each production, as far as it has answered: a slow one, or one that is away, holds up nothing. */
export function useGathered<Answer, Item>(
  names: readonly string[],
  query: (production: string) => UseQueryOptions<Answer, Error, Answer, string[]>,
  itemsOf: (answer: Answer) => readonly Item[],
): Gathered<Item> {
  const found = useQueries({ queries: names.map((name) => query(name)) });
  const each = names.map((production, n) => ({ production, result: found[n] }));
  return {
    items: each.flatMap(({ production, result }) =>
      // what was true before one went away is not shown as true now
      result?.data === undefined || result.isError
        ? []
        : itemsOf(result.data).map((item) => ({ production, item })),
    ),
    missing: each.flatMap(({ production, result }) =>
      result?.isError === true ? [{ production, why: result.error }] : [],
    ),
    open: each.filter(({ result }) => result?.isLoading === true).length,
  };
}

/** Which parts of a list over all are missing, with the reason. */
export function Missing({
  missing,
}: {
  readonly missing: Gathered<unknown>['missing'];
}): ReactElement | null {
  if (missing.length === 0) return null;
  return (
    <ul className="flex flex-col gap-1 rounded-md border border-line bg-warn-soft px-3 py-2">
      {missing.map(({ production, why }) => (
        <li key={production} className="text-xs break-words text-warn">
          <strong translate="no">{production}</strong>: {reasonOf(why)}
        </li>
      ))}
    </ul>
  );
}

/** Why a part is missing, in words. */
export function reasonOf(why: unknown): string {
  if (why instanceof ApiProblem && why.status === 403) return t('you may not see this there');
  if (why instanceof ApiProblem && why.code === 'BROKER_UNAVAILABLE')
    return t('does not answer now; what belongs to it is missing here');
  return why instanceof Error ? why.message : t('Something went wrong.');
}

/** A link into the pages of a production. */
export function LinkIn({
  production,
  path = '',
  children,
}: {
  readonly production: string;
  /** Below its dashboard: `sessions/12`. */
  readonly path?: string;
  readonly children: string;
}): ReactElement {
  return (
    <a href={addressIn(production, path)} className="text-accent hover:underline" translate="no">
      {children}
    </a>
  );
}
