import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import type {
  FoundMessage,
  MessagePage,
  SearchCriteria,
} from '../../../src/api/contract/message.ts';
import { LIVE } from '../api/answers.ts';
import { ask } from '../api/client.ts';
import { useIsLive, useLiveSearch } from '../api/live-stream.ts';
import { serverNow } from '../clock/server-clock.ts';
import { criteriaOf, rangeOf, type SearchState } from './search-state.ts';

const PAGE = 100;
/** How often a live search looks for new results, in addition to the stream. */
const PULSE = 15_000;

export interface MessageSearch {
  readonly rows: readonly FoundRow[];
  /** Found since, and not yet among the rows, so that nothing moves while the user is reading. */
  readonly fresh: readonly FoundRow[];
  readonly showFresh: () => void;
  readonly more: () => void;
  readonly hasMore: boolean;
  readonly isPending: boolean;
  readonly isFetchingMore: boolean;
  readonly error: unknown;
  /** Everything newer has been searched. */
  readonly searchedBackTo: number | undefined;
  readonly complete: boolean;
  /** Texts of the list that no message has. */
  readonly missing: readonly string[];
  /** Search fields by which older messages cannot be found yet. */
  readonly indexing: MessagePage['indexing'];
  /** The request to the API. */
  readonly criteria: SearchCriteria;
  readonly again: () => void;
}

/**
 * A search page by page, newest first; what arrives meanwhile is held back until it is asked for.
 * Each message has the `fields`.
 */
export function useMessageSearch(state: SearchState, fields: readonly string[]): MessageSearch {
  const { live, at: _at, ...asked } = state;
  const key = JSON.stringify([asked, fields]);
  const [began, setBegan] = useState(() => ({ key, at: serverNow() }));
  if (began.key !== key) setBegan({ key, at: serverNow() });
  const criteria = useMemo(() => criteriaOf(asked, began.at), [key, began.at]);

  const search = useInfiniteQuery({
    queryKey: ['messages', 'search', key, began.at],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      ask('POST /messages/search', {
        body: {
          ...criteria,
          fields,
          limit: PAGE,
          ...(pageParam === undefined ? {} : { after: pageParam }),
        },
        signal,
      }),
    getNextPageParam: ({ next }) => next,
    refetchOnWindowFocus: false,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const found = useMemo(() => search.data?.pages.flatMap(withShared) ?? [], [search.data]);
  const isLive = live === '1' && rangeOf(asked) !== undefined;
  const enabled = isLive && search.isSuccess;
  useLiveSearch(enabled, state.source ?? state.target ?? state.host);
  const tail = useTail(found, { criteria, fields, since: began.at, enabled });
  return {
    ...tail,
    more: () => void search.fetchNextPage(),
    hasMore: search.hasNextPage,
    isPending: search.isPending,
    isFetchingMore: search.isFetchingNextPage,
    error: search.error,
    ...reached(search.data?.pages.at(-1)),
    criteria,
    again: () => setBegan({ key, at: serverNow() }),
  };
}

/** How far a search came by its last page. */
function reached(
  last: MessagePage | undefined,
): Pick<MessageSearch, 'searchedBackTo' | 'complete' | 'missing' | 'indexing'> {
  return {
    searchedBackTo: last?.searchedBackTo,
    complete: last?.complete ?? false,
    missing: last?.missing ?? NO_TEXTS,
    indexing: last?.indexing,
  };
}

/** A found message; one that holds more than what was searched for is marked. */
export type FoundRow = FoundMessage & { readonly holdsOthers?: boolean };

function withShared({ items, shared = [] }: MessagePage): readonly FoundRow[] {
  return items.map((one) => (shared.includes(one.id) ? { ...one, holdsOthers: true } : one));
}

const NONE: readonly FoundRow[] = [];
const NO_TEXTS: readonly string[] = [];

interface TailOptions {
  readonly criteria: SearchCriteria;
  readonly fields: readonly string[];
  readonly since: number;
  readonly enabled: boolean;
}

/** What arrived after the search: a visible row changes in place, a new one waits. */
function useTail(
  found: readonly FoundRow[],
  { criteria, fields, since, enabled }: TailOptions,
): Pick<MessageSearch, 'rows' | 'fresh' | 'showFresh'> {
  const [taken, setTaken] = useState<{
    readonly since: number;
    readonly rows: readonly FoundRow[];
  }>({ since, rows: [] });
  const shown = taken.since === since ? taken.rows : NONE;
  const isTold = useIsLive();
  const pulse = useQuery({
    queryKey: ['found', criteria, fields, since],
    queryFn: ({ signal }) =>
      // a message is traced a moment after it is made
      ask('POST /messages/search', {
        body: { ...criteria, fields, from: since - 5_000, limit: 1_000 },
        signal,
      }),
    enabled,
    refetchInterval: isTold ? PULSE : LIVE,
    gcTime: 0,
  });
  return useMemo(() => {
    const latest = new Map(
      (pulse.data === undefined ? NONE : withShared(pulse.data)).map((one) => [one.id, one]),
    );
    const known = new Set([...shown, ...found].map(({ id }) => id));
    const fresh = [...latest.values()].filter(({ id }) => !known.has(id));
    const earlier = new Set(found.map(({ id }) => id));
    const rows = [...shown.filter(({ id }) => !earlier.has(id)), ...found].map(
      (one) => latest.get(one.id) ?? one,
    );
    return { rows, fresh, showFresh: () => setTaken({ since, rows: [...fresh, ...shown] }) };
  }, [pulse.data, shown, found]);
}
