import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { LIVE } from '../api/answers.ts';
import { ask, type Query } from '../api/client.ts';
import { hosts as hostsQuery } from '../api/queries.ts';
import { Choice } from '../element/field.tsx';
import { timeOf } from '../element/local-time.ts';
import { LEVEL_NAMES } from '../element/names.ts';
import { Pending } from '../element/notice.tsx';
import { Page } from '../element/page.tsx';
import { ShowOlder } from '../element/show-older.tsx';
import { TimeField } from '../element/time-field.tsx';
import { t } from '../language/translate.ts';
import { EventTable } from './event-table.tsx';

const PAGE = 200;

/** The log of events of hosts and the production, newest first; it is updated live. */
export function EventPage(): ReactElement {
  const { host, level, from, to } = useSearch({ from: '/events' });
  const navigate = useNavigate();
  const { data: known } = useQuery(hostsQuery);
  const asked = {
    hosts: host,
    level: level as Query<'GET /events'>['level'],
    from: timeOf(from),
    to: timeOf(to),
    limit: PAGE,
  };
  const log = useInfiniteQuery({
    queryKey: ['events', 'pages', asked],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam: after, signal }) =>
      ask('GET /events', { query: { ...asked, after }, signal }),
    getNextPageParam: ({ next }) => next,
    refetchInterval: LIVE,
  });
  const events = log.data?.pages.flatMap(({ items }) => items);
  const change = (next: Readonly<Record<string, string | undefined>>): void =>
    void navigate({ to: '/events', search: (before) => ({ ...before, ...next }) });
  return (
    <Page
      title={t('Event log')}
      detail={events !== undefined && t('{count} newest', { count: events.length })}
    >
      <div className="mb-3 flex flex-wrap gap-3">
        <Choice
          label={t('Host')}
          value={host ?? ''}
          onChange={({ target }) => change({ host: target.value || undefined })}
        >
          <option value="">{t('every host')}</option>
          {known?.hosts.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </Choice>
        <Choice
          label={t('At least')}
          value={level ?? ''}
          onChange={({ target }) => change({ level: target.value || undefined })}
        >
          <option value="">{LEVEL_NAMES.info}</option>
          <option value="warn">{LEVEL_NAMES.warn}</option>
          <option value="error">{LEVEL_NAMES.error}</option>
        </Choice>
        <TimeField label={t('Since')} value={from} onChange={(time) => change({ from: time })} />
        <TimeField label={t('Until')} value={to} onChange={(time) => change({ to: time })} />
      </div>
      <Pending answer={log.data} error={log.error} />
      {events !== undefined && (
        <div className="overflow-hidden rounded-lg border border-line bg-surface">
          <EventTable events={events} />
        </div>
      )}
      <ShowOlder pages={log} />
    </Page>
  );
}
