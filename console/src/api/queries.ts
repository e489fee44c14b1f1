import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import type { SearchRequest, Session } from '../../../src/api/contract/message.ts';
import { serverNow } from '../clock/server-clock.ts';
import { LIVE } from './answers.ts';
import { ask, type Query } from './client.ts';

/** Counts per interval of the last `length` milliseconds, of one host or of all. */
export const statistics = (length: number, step: number, host?: string) =>
  queryOptions({
    queryKey: ['statistics', length, step, host],
    queryFn: ({ signal }) => {
      const to = Math.ceil(serverNow() / step) * step;
      return ask('GET /statistics', {
        query: { from: to - length, to, step, hosts: host },
        signal,
      });
    },
    refetchInterval: 15_000,
  });

/** The last whole hour beside the same one of other days, and the last `hours` as they were a week ago. */
export const comparison = (hours: number, host?: string) =>
  queryOptions({
    queryKey: ['comparison', hours, host],
    queryFn: ({ signal }) => {
      const { timeZone: zone } = Intl.DateTimeFormat().resolvedOptions();
      return ask('GET /statistics/comparison', { query: { hours, zone, hosts: host }, signal });
    },
    refetchInterval: 60_000,
  });

export const events = (query: Query<'GET /events'>) =>
  queryOptions({
    queryKey: ['events', query],
    queryFn: ({ signal }) => ask('GET /events', { query, signal }),
    refetchInterval: LIVE,
  });

export const hosts = queryOptions({
  queryKey: ['hosts'],
  queryFn: ({ signal }) => ask('GET /hosts', { signal }),
  refetchInterval: LIVE,
});

/** Hosts with a property that contains a text. */
export const foundHosts = (text: string) =>
  queryOptions({
    queryKey: ['found-hosts', text],
    queryFn: ({ signal }) => ask('GET /find/hosts', { query: { text }, signal }),
  });

export const productionMap = queryOptions({
  queryKey: ['production'],
  queryFn: ({ signal }) => ask('GET /production/map', { signal }),
  refetchInterval: LIVE,
});

export const queues = queryOptions({
  queryKey: ['queues'],
  queryFn: ({ signal }) => ask('GET /queues', { signal }),
  refetchInterval: LIVE,
});

export const hostPage = (host: string) =>
  queryOptions({
    queryKey: ['hosts', host],
    queryFn: ({ signal }) => ask('GET /hosts/{host}', { path: { host }, signal }),
    refetchInterval: LIVE,
  });

export const queued = (host: string, fields: readonly string[]) =>
  queryOptions({
    queryKey: ['queues', host, fields],
    queryFn: ({ signal }) =>
      ask('GET /queues/{host}/messages', {
        path: { host },
        query: { limit: 100, fields: fields.join(',') },
        signal,
      }),
    refetchInterval: LIVE,
  });

export const session = (id: number) =>
  queryOptions({
    queryKey: ['sessions', id],
    queryFn: ({ signal }) => ask('GET /sessions/{id}', { path: { id }, signal }),
    refetchInterval: ({ state }) =>
      state.data !== undefined && isOpen(state.data) ? 5_000 : 15_000,
  });

export const message = (id: number) =>
  queryOptions({
    queryKey: ['message', id],
    queryFn: ({ signal }) => ask('GET /messages/{id}', { path: { id }, signal }),
    refetchInterval: ({ state: { data } }) =>
      data?.status === 'queued' || data?.status === 'retrying' ? 5_000 : 15_000,
  });

export const quickHits = (text: string) =>
  queryOptions({
    queryKey: ['find', text],
    queryFn: ({ signal }) => ask('GET /find', { query: { text, limit: 12 }, signal }),
    enabled: text.trim() !== '',
  });

export const searchFields = queryOptions({
  queryKey: ['fields'],
  queryFn: ({ signal }) => ask('GET /messages/fields', { signal }),
  staleTime: 60_000,
});

/** Of the last `milliseconds`; if left out, of everything in the trace. */
export const failures = (milliseconds?: number) =>
  queryOptions({
    queryKey: ['failures', milliseconds],
    queryFn: ({ signal }) =>
      ask('GET /failures', {
        query: { from: milliseconds === undefined ? undefined : serverNow() - milliseconds },
        signal,
      }),
    refetchInterval: LIVE,
  });

const isOpen = ({ messages, started }: Session): boolean =>
  serverNow() - started < 30_000 ||
  messages.some((one) => one.status === 'queued' || one.status === 'retrying');

/** Which of the two bodies of a message: the one sent, or the answer. */
export type Part = 'message' | 'reply';

export const bodyText = (id: number, part: Part, pretty = false) =>
  queryOptions({
    queryKey: ['bodies', id, part, 'text', pretty],
    queryFn: ({ signal }) =>
      ask('GET /messages/{id}/body', {
        path: { id },
        query: { part, pretty: pretty || undefined },
        signal,
      }),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const segmentTree = (id: number, part: Part, type: string) =>
  queryOptions({
    queryKey: ['bodies', id, part, 'tree'],
    queryFn: ({ signal }) =>
      ask(`GET /messages/{id}/body/${type.startsWith('HL7v2') ? 'hl7' : 'segments'}`, {
        path: { id },
        query: { part },
        signal,
      }),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const bodyHex = (id: number, part: Part, offset: number) =>
  queryOptions({
    queryKey: ['bodies', id, part, 'hex', offset],
    queryFn: ({ signal }) =>
      ask('GET /messages/{id}/body/hex', { path: { id }, query: { part, offset }, signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const bodyMail = (id: number, part: Part) =>
  queryOptions({
    queryKey: ['bodies', id, part, 'mail'],
    queryFn: ({ signal }) =>
      ask('GET /messages/{id}/body/mail', { path: { id }, query: { part }, signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const bodyTable = (id: number, part: Part, after: number) =>
  queryOptions({
    queryKey: ['bodies', id, part, 'table', after],
    queryFn: ({ signal }) =>
      ask('GET /messages/{id}/body/table', {
        path: { id },
        query: { part, after, limit: 200 },
        signal,
      }),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const difference = (id: number, against: number | undefined) =>
  queryOptions({
    queryKey: ['bodies', id, 'diff', against],
    queryFn: ({ signal }) =>
      ask('GET /messages/{id}/diff', { path: { id }, query: { against: against ?? 0 }, signal }),
    enabled: against !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
  });

export const alerts = (ended: boolean) =>
  queryOptions({
    queryKey: ['alerts', ended],
    queryFn: ({ signal }) => ask('GET /alerts', { query: { ended: ended || undefined }, signal }),
    refetchInterval: LIVE,
  });

export const jobs = queryOptions({
  queryKey: ['jobs'],
  queryFn: ({ signal }) => ask('GET /jobs', { signal }),
  refetchInterval: LIVE,
});

export const job = (id: number) =>
  queryOptions({
    queryKey: ['jobs', id],
    queryFn: ({ signal }) => ask('GET /jobs/{id}', { path: { id }, signal }),
    refetchInterval: ({ state }) => (state.data?.ended === undefined ? 1_000 : LIVE),
  });

/** Which messages of a job: by how the act ended, or by what happened to the message it made. */
export type ItemFilter = Pick<Query<'GET /jobs/{id}/items'>, 'state' | 'outcome'>;

const ITEMS = 500;

export const jobItems = (id: number, filter: ItemFilter) =>
  infiniteQueryOptions({
    queryKey: ['jobs', id, 'items', filter],
    initialPageParam: undefined as number | undefined,
    queryFn: ({ pageParam: after, signal }) =>
      ask('GET /jobs/{id}/items', {
        path: { id },
        query: { ...filter, after, limit: ITEMS },
        signal,
      }),
    getNextPageParam: ({ next }) => next,
    refetchInterval: LIVE,
  });

export const jobResults = (id: number) =>
  queryOptions({
    queryKey: ['jobs', id, 'results'],
    queryFn: ({ signal }) => ask('GET /jobs/{id}/results', { path: { id }, signal }),
    refetchInterval: LIVE,
  });

/** Planned work that is not over. */
export const plannedWork = queryOptions({
  queryKey: ['maintenance'],
  queryFn: ({ signal }) => ask('GET /maintenance', { signal }),
  refetchInterval: 15_000,
});

export const onCall = queryOptions({
  queryKey: ['on-call'],
  queryFn: ({ signal }) => ask('GET /alerts/on-call', { signal }),
  refetchInterval: 15_000,
});

export const certificates = queryOptions({
  queryKey: ['certificates'],
  queryFn: ({ signal }) => ask('GET /certificates', { signal }),
  staleTime: 60_000,
});

export const storage = queryOptions({
  queryKey: ['storage'],
  queryFn: ({ signal }) => ask('GET /storage', { signal }),
  refetchInterval: 15_000,
});

/** One short page of a search, to show next to something else. */
export const someMessages = (criteria: SearchRequest) =>
  queryOptions({
    queryKey: ['messages', 'some', criteria],
    queryFn: ({ signal }) => ask('POST /messages/search', { body: criteria, signal }),
    refetchInterval: 5_000,
  });
