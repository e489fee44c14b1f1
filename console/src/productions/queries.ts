import { queryOptions } from '@tanstack/react-query';
import type { Alert } from '../../../src/api/contract/alert.ts';
import type { History } from '../../../src/api/contract/files.ts';
import type { Job } from '../../../src/api/contract/job.ts';
import type { QuickHits } from '../../../src/api/contract/message.ts';
import type { ProductionBrief } from '../../../src/api/contract/production.ts';
import type { Status } from '../../../src/api/contract/status.ts';
import { ask } from '../api/client.ts';

/** Of pages that show several productions: each is asked on its own, so that none waits for another. */
const EVERY = 5_000;

const of = (production: string, path: string): string =>
  `productions/${encodeURIComponent(production)}/${path}`;

export const statusOf = (production: string) =>
  queryOptions({
    queryKey: ['productions', production, 'status'],
    queryFn: ({ signal }) => ask<Status>(of(production, 'status'), { signal }),
    refetchInterval: EVERY,
  });

/** What the engines say, while the operator plane does not answer. */
export const briefOf = (production: string) =>
  queryOptions({
    queryKey: ['productions', production, 'brief'],
    queryFn: ({ signal }) =>
      ask<ProductionBrief>(`productions/${encodeURIComponent(production)}`, { signal }),
    refetchInterval: EVERY,
  });

export const alertsOf = (production: string) =>
  queryOptions({
    queryKey: ['productions', production, 'alerts'],
    queryFn: ({ signal }) =>
      ask<{ readonly alerts: readonly Alert[] }>(of(production, 'alerts'), { signal }),
    refetchInterval: EVERY,
  });

export const jobsOf = (production: string) =>
  queryOptions({
    queryKey: ['productions', production, 'jobs'],
    queryFn: ({ signal }) =>
      ask<{ readonly jobs: readonly Job[] }>(of(production, 'jobs'), { signal }),
    refetchInterval: EVERY,
  });

export const changesOf = (production: string) =>
  queryOptions({
    queryKey: ['productions', production, 'changes'],
    queryFn: ({ signal }) => ask<History>(of(production, 'production/history'), { signal }),
    refetchInterval: 4 * EVERY,
  });

export const hitsOf = (production: string, text: string) =>
  queryOptions({
    queryKey: ['productions', production, 'find', text],
    queryFn: ({ signal }) =>
      ask<QuickHits>(of(production, 'find'), { query: { text, limit: 50 }, signal }),
    enabled: text !== '',
  });
