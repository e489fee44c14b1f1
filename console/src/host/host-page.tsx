import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import type { HostPage as Answer } from '../../../src/api/contract/host.ts';
import { events as eventsQuery, hostPage } from '../api/queries.ts';
import { LazyRateChart } from '../chart/lazy-rate-chart.tsx';
import { buttonStyle } from '../element/button.tsx';
import { HealthBadge } from '../element/health-badge.tsx';
import { KIND_NAMES } from '../element/names.ts';
import { Problem, Waiting } from '../element/notice.tsx';
import { Page, Panel } from '../element/page.tsx';
import { EventList } from '../event/event-table.tsx';
import { t } from '../language/translate.ts';
import { ConnectionTest } from './connection-test.tsx';
import { HostControls } from './host-controls.tsx';
import { HostOverrides } from './host-overrides.tsx';
import { HostSettings } from './host-settings.tsx';
import { HostState } from './host-state.tsx';
import { LastHour } from './last-hour.tsx';
import { TestMessageButton } from './test-message-button.tsx';

/** One host: how it stands, what it is set to and where that is written, and what can be done about it. */
export function HostPage(): ReactElement {
  const { host } = useParams({ from: '/hosts/$host' });
  const { data, error } = useQuery(hostPage(host));
  if (data !== undefined) return <Shown page={data} />;
  return <Page title={host}>{error === null ? <Waiting /> : <Problem error={error} />}</Page>;
}

function Shown({ page }: { readonly page: Answer }): ReactElement {
  const { host, comment, adapter, place, sendsTo, receivesFrom, rules, takesTests } = page;
  const { data: log } = useQuery(eventsQuery({ hosts: host.name, limit: 20 }));
  return (
    <Page
      title={host.name}
      detail={
        <span className="flex flex-wrap items-center gap-x-3">
          <HealthBadge health={host.health} />
          <span>
            {[host.title, KIND_NAMES[host.kind], adapter?.title].filter(Boolean).join(' · ')}
          </span>
          {host.tags.map((tag) => (
            <Link
              key={tag}
              to="/production"
              search={{ tag }}
              className="rounded bg-idle-soft px-1.5 text-2xs font-medium text-idle hover:underline"
            >
              {tag}
            </Link>
          ))}
          <span className="font-mono text-2xs">
            {place.file}:{place.line}
          </span>
        </span>
      }
      actions={
        <>
          <Link to="/messages" search={{ host: host.name }} className={buttonStyle()}>
            {t('Messages')}
          </Link>
          {takesTests && <TestMessageButton host={host.name} />}
          <HostControls host={host} />
        </>
      }
    >
      <div className="grid items-start gap-4 xl:grid-cols-2">
        <div className="flex min-w-0 flex-col gap-4">
          <HostState page={page} />
          <Panel title={t('Messages, last hour')}>
            <LastHour host={host.name} />
            <LazyRateChart length={3_600_000} step={60_000} host={host.name} />
          </Panel>
          {host.kind !== 'process' && <ConnectionTest host={host.name} />}
          <Panel title={t('Neighbours')}>
            <Neighbours label={t('Gets from')} hosts={receivesFrom} />
            <Neighbours label={t('Sends to')} hosts={sendsTo} />
            {comment !== undefined && <p className="mt-2 text-ink-2">{comment}</p>}
          </Panel>
        </div>
        <div className="flex min-w-0 flex-col gap-4">
          <HostSettings page={page} />
          <HostOverrides host={host} />
          {rules.length > 0 && <Rules rules={rules} />}
          <Panel title={t('What happened to it')} flush>
            {log === undefined ? <Waiting /> : <EventList events={log.items} />}
          </Panel>
        </div>
      </div>
    </Page>
  );
}

function Neighbours({
  label,
  hosts,
}: {
  readonly label: string;
  readonly hosts: readonly string[];
}): ReactElement {
  return (
    <p className="flex flex-wrap gap-x-2">
      <span className="w-24 text-ink-2">{label}</span>
      {hosts.length === 0 && <span className="text-ink-3">{t('nobody here')}</span>}
      {hosts.map((name) => (
        <Link
          key={name}
          to="/hosts/$host"
          params={{ host: name }}
          className="text-accent underline decoration-line-strong underline-offset-2 hover:decoration-current"
        >
          {name}
        </Link>
      ))}
    </p>
  );
}

function Rules({ rules }: { readonly rules: Answer['rules'] }): ReactElement {
  return (
    <Panel title={t('Rules')} flush>
      <ol>
        {rules.map(({ set, name, when, send, disabled }, index) => (
          <li
            key={`${set} ${name}`}
            className={`border-b border-line px-3 py-1.5 last:border-0 ${disabled ? 'opacity-70' : ''}`}
          >
            {rules[index - 1]?.set !== set && (
              <p className="mb-1 text-2xs font-medium text-ink-2">{t('set {set}', { set })}</p>
            )}
            <div className="flex flex-wrap items-baseline gap-x-2">
              <span className="font-medium">{name}</span>
              {disabled && <span className="text-xs text-idle">{t('switched off')}</span>}
              <span className="text-xs text-ink-2">
                {send.length === 0
                  ? t('→ nobody')
                  : send
                      .map(({ to, transforms }) =>
                        transforms.length === 0
                          ? `→ ${to}`
                          : t('→ {to} by {transforms}', { to, transforms: transforms.join(', ') }),
                      )
                      .join('  ')}
              </span>
            </div>
            {when !== undefined && (
              <code className="block font-mono text-2xs break-words text-ink-2">{when}</code>
            )}
          </li>
        ))}
      </ol>
    </Panel>
  );
}
