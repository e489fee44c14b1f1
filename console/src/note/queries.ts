import { queryOptions } from '@tanstack/react-query';
import type { Note } from '../../../src/api/contract/note.ts';
import { ask } from '../api/client.ts';

/** Notes about one thing, or all that match. */
export const notes = (query: {
  readonly about?: Note['about'];
  readonly object?: string;
  readonly text?: string;
  readonly from?: number;
  readonly to?: number;
}) =>
  queryOptions({
    queryKey: ['notes', query],
    queryFn: ({ signal }) => ask('GET /notes', { query, signal }),
    refetchInterval: 15_000,
  });

/** That somebody is looking, and since when they were away. */
export const presence = queryOptions({
  queryKey: ['presence'],
  queryFn: ({ signal }) => ask('POST /me/presence', { body: {}, signal }),
  refetchInterval: 5 * 60_000,
  staleTime: 60_000,
});
