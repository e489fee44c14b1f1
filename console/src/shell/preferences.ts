import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { ask } from '../api/client.ts';

/** What the console remembers for a user, on every machine. */
interface Preferences {
  /** For the list of messages. */
  readonly columns?: unknown;
}

const preferences = queryOptions({
  queryKey: ['preferences'],
  queryFn: ({ signal }) => ask('GET /me/preferences', { signal }),
  staleTime: Number.POSITIVE_INFINITY,
});

/** What is remembered, and changing a part of it. A change is shown at once and kept once the server has it. */
export function usePreferences(): readonly [Preferences, (change: Preferences) => void] {
  const client = useQueryClient();
  const { data = {} } = useQuery(preferences);
  const keep = useMutation({
    mutationFn: (all: Preferences) => ask('PUT /me/preferences', { body: { ...all } }),
  });
  return [
    data,
    (change) => {
      const all = { ...data, ...change };
      client.setQueryData(preferences.queryKey, all);
      keep.mutate(all);
    },
  ];
}
