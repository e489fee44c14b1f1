import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { events as eventsQuery, hosts as hostsQuery } from '../api/queries.ts';
import { Choice } from '../element/field.tsx';
import { LEVEL_NAMES } from '../element/names.ts';
import { Pending } from '../element/notice.tsx';
import { Page } from '../element/page.tsx';
import { t } from '../language/translate.ts';
import { EventTable } from './event-table.tsx';

/** The log of what happened to hosts and to the production, newest first; it follows what happens. */
export function EventPage(): ReactElement {
  const { host, level, limit = '200' } = useSearch({ from: '/events' });
  const navigate = useNavigate();
  const { data: known } = useQuery(hostsQuery);
  const { data, error } = useQuery(
    eventsQuery({
      limit: Math.min(1_000, Number(limit) || 200),
      ...(host === undefined ? {} : { hosts: host }),
      ...(level === undefined ? {} : { level }),
    }),
  );
  const change = (next: Readonly<Record<string, string | undefined>>): void =>
    void navigate({ to: '/events', search: (before) => ({ ...before, ...next }) });
  return (
    <Page
      title={t('Event log')}
      detail={data !== undefined && t('{count} newest', { count: data.items.length })}
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
        <Choice
          label={t('Show')}
          value={limit}
          onChange={({ target }) => change({ limit: target.value })}
        >
          {['200', '500', '1000'].map((one) => (
            <option key={one}>{one}</option>
          ))}
        </Choice>
      </div>
      <Pending answer={data} error={error} />
      {data !== undefined && (
        <div className="overflow-hidden rounded-lg border border-line bg-surface">
          <EventTable events={data.items} />
        </div>
      )}
    </Page>
  );
}
