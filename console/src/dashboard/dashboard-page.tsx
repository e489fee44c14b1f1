import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { type ReactElement, type ReactNode, Suspense } from 'react';
import type { Status } from '../../../src/api/contract/status.ts';
import { status as statusQuery } from '../api/answers.ts';
import { lazyPart } from '../api/part.ts';
import { failures as failuresQuery, hosts as hostsQuery } from '../api/queries.ts';
import { RatePanel } from '../chart/rate-panel.tsx';
import { Pending } from '../element/notice.tsx';
import { Page, Panel } from '../element/page.tsx';
import { count, day, duration, moment, preciseMoment } from '../element/time-text.ts';
import { When } from '../element/when.tsx';
import { HostTable } from '../host/host-table.tsx';
import { TagFilter, tagged } from '../host/tag-filter.tsx';
import { t } from '../language/translate.ts';
import { AwayNotice } from '../note/away-notice.tsx';
import { FailureLine } from '../suspended/failure-line.tsx';

// rarely there: not loaded with the first page
const PlannedWork = lazyPart(() => import('../alert/planned-work.tsx'), 'PlannedWork');

const HOUR = 3_600_000;

/** What an operator sees first at three in the morning: is anything wrong, what, and since when. */
export function DashboardPage(): ReactElement {
  const { tag, find } = useSearch({ from: '/' });
  const navigate = useNavigate();
  const { data, error } = useQuery(statusQuery);
  const { data: known, error: unknown } = useQuery(hostsQuery);
  const services = new Set(
    known?.hosts.filter(({ kind }) => kind === 'service').map(({ name }) => name),
  );
  return (
    <Page title={t('Dashboard')} detail={data !== undefined && <span>{data.title}</span>}>
      <Pending answer={data} error={error} />
      {data !== undefined && (
        <div className="flex flex-col gap-4">
          <AwayNotice />
          <Suspense>{isSome(data.plannedWork) && <PlannedWork underWay />}</Suspense>
          <Figures status={data} />
          <div className="grid gap-4 xl:grid-cols-[minmax(0,1fr)_minmax(0,1fr)]">
            <RatePanel title={t('Messages in')} among={services} />
            <WhatFailed />
          </div>
          <Panel
            title={t('Hosts')}
            flush
            actions={
              <TagFilter
                hosts={known?.hosts ?? []}
                tag={tag}
                onTag={(next) =>
                  void navigate({
                    to: '/',
                    search: (before) => ({ ...before, tag: next }),
                    resetScroll: false,
                  })
                }
              />
            }
          >
            {known === undefined ? (
              <Pending answer={known} error={unknown} />
            ) : (
              <HostTable
                hosts={tagged(known.hosts, tag)}
                find={find}
                onFind={(text) =>
                  void navigate({
                    to: '/',
                    search: (before) => ({ ...before, find: text }),
                    // what is typed is one step back, and not one for each letter
                    replace: find !== undefined,
                    resetScroll: false,
                  })
                }
              />
            )}
          </Panel>
          <Foot status={data} />
        </div>
      )}
    </Page>
  );
}

type Tone = 'plain' | 'bad' | 'warn' | 'held';

const TONES = {
  plain: 'text-ink',
  bad: 'text-bad',
  warn: 'text-warn',
  held: 'text-held',
} as const satisfies Record<Tone, string>;

interface FigureProps {
  readonly label: string;
  /** Undefined if it is not known. */
  readonly value: number | string | undefined;
  readonly detail: ReactNode;
  readonly tone?: Tone;
  readonly to: '/' | '/messages' | '/production' | '/queues' | '/suspended' | '/alerts';
  readonly search?: { readonly status?: string };
}

function Figure({
  label,
  value,
  detail,
  tone = 'plain',
  to,
  search = {},
}: FigureProps): ReactElement {
  return (
    <Link
      to={to}
      search={search}
      className="min-w-0 bg-surface px-3 py-2.5 hover:bg-hover focus-visible:relative focus-visible:z-10"
    >
      <span className="block text-xs text-ink-2">{label}</span>
      <span className={`block text-[22px] leading-8 font-semibold tracking-tight ${TONES[tone]}`}>
        {typeof value === 'number' ? count(value) : (value ?? '–')}
      </span>
      <span className="block truncate text-xs text-ink-2 max-sm:whitespace-normal">
        {value === undefined ? t('not known now') : detail}
      </span>
    </Link>
  );
}

const isSome = (many: number | undefined): boolean => many !== undefined && many > 0;

function Figures({ status }: { readonly status: Status }): ReactElement {
  const { queued, lastMinutes, lastHour, suspended, errorsToday, openAlerts, at } = status;
  return (
    <div className="grid grid-cols-2 gap-px overflow-hidden rounded-lg border border-line bg-line sm:grid-cols-3 xl:grid-cols-6">
      <HostsFigure hosts={status.hosts} />
      <Figure
        label={t('In, per minute')}
        to="/messages"
        value={lastMinutes && Math.round(lastMinutes.in / 5)}
        detail={t('{count} in the last hour', { count: lastHour?.in ?? 0 })}
      />
      <Figure
        label={t('Queued')}
        to="/queues"
        value={queued.messages}
        tone={queued.oldest !== undefined && at - queued.oldest.at > 300_000 ? 'warn' : 'plain'}
        detail={
          queued.oldest === undefined
            ? t('nothing waits')
            : t('oldest {duration}, {host}', {
                duration: duration(at - queued.oldest.at),
                host: queued.oldest.host,
              })
        }
      />
      <Figure
        label={t('Suspended')}
        to="/suspended"
        value={suspended}
        tone={isSome(suspended) ? 'held' : 'plain'}
        detail={suspended === 0 ? t('nothing waits for a person') : t('wait for a person')}
      />
      <Figure
        label={t('Errors, 24 h')}
        to="/messages"
        search={{ status: 'error' }}
        value={errorsToday}
        tone={isSome(errorsToday) ? 'bad' : 'plain'}
        detail={errorsToday === 0 ? t('none failed for good') : t('will not be retried')}
      />
      <Figure
        label={t('Alerts')}
        to="/alerts"
        value={openAlerts}
        tone={isSome(openAlerts) ? 'bad' : 'plain'}
        detail={openAlerts === 0 ? t('none open') : t('open ## of an alert')}
      />
    </div>
  );
}

function HostsFigure({ hosts }: { readonly hosts: Status['hosts'] }): ReactElement {
  const down = hosts.disconnected + hosts.stopped;
  const troubled = [
    hosts.retrying > 0 && t('{count} retrying', { count: hosts.retrying }),
    hosts.disconnected > 0 && t('{count} disconnected', { count: hosts.disconnected }),
    hosts.stopped > 0 && t('{count} stopped', { count: hosts.stopped }),
    hosts.off > 0 && t('{count} switched off', { count: hosts.off }),
  ].filter(Boolean);
  return (
    <Figure
      label={t('Hosts')}
      to="/production"
      value={`${hosts.running}/${hosts.total}`}
      tone={down > 0 ? 'bad' : hosts.retrying > 0 ? 'warn' : 'plain'}
      detail={troubled.length === 0 ? t('all run') : troubled.join(', ')}
    />
  );
}

function WhatFailed(): ReactElement {
  const { data, error } = useQuery(failuresQuery(24 * HOUR));
  const groups = data?.groups.slice(0, 6) ?? [];
  return (
    <Panel
      title={t('What failed, last 24 hours')}
      flush
      actions={
        <Link to="/suspended" className="text-xs text-accent hover:underline">
          {t('All')}
        </Link>
      }
    >
      <Pending answer={data} error={error} />
      {data?.groups.length === 0 && (
        <p className="px-3 py-6 text-center text-ink-2">{t('Nothing failed.')}</p>
      )}
      <ul>
        {groups.map((group) => (
          <li
            key={`${group.host} ${group.status} ${group.code} ${group.cause}`}
            className="border-b border-line last:border-0"
          >
            <FailureLine group={group} within={{ at: `${group.newestId}` }}>
              <span
                className="shrink-0 text-xs text-ink-2 max-sm:hidden"
                title={t('first {time}', { time: preciseMoment(group.first) })}
              >
                <When at={group.last} as="ago" />
              </span>
            </FailureLine>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Foot({
  status: { engines, trace, certificates, at },
}: {
  readonly status: Status;
}): ReactElement {
  return (
    <p className="flex flex-wrap gap-x-4 gap-y-1 text-xs text-ink-2">
      <span>
        {t('{count} {count|engine|engines}, up {durations}', {
          count: engines.length,
          durations: engines.map(({ started }) => duration(at - started)).join(', '),
        })}
      </span>
      <span className={trace.failingSince === undefined ? '' : 'font-medium text-bad'}>
        {traceText(trace)}
      </span>
      {certificates.map(({ kind, name, ends }) => (
        <Link
          key={`${kind} ${name} ${ends}`}
          to="/certificates"
          className="font-medium text-warn hover:underline"
        >
          {kind === 'revocation-list'
            ? listText(name, ends, ends < at)
            : certificateText(name, ends, ends < at)}
        </Link>
      ))}
    </p>
  );
}

function traceText({ failingSince, lag }: Status['trace']): string {
  if (failingSince !== undefined)
    return t('the trace store has been failing since {time}; messages continue', {
      time: moment(failingSince),
    });
  if (lag === undefined) return t('how far the trace is behind is not known');
  return lag === 0
    ? t('the trace is up to date')
    : t('the trace lags by {count} {count|message|messages}', { count: lag });
}

const certificateText = (name: string, ends: number, ended: boolean): string =>
  ended
    ? t('certificate {name} expired {day}', { name, day: day(ends) })
    : t('certificate {name} expires {day}', { name, day: day(ends) });

const listText = (name: string, ends: number, ended: boolean): string =>
  ended
    ? t('revocation list {name} expired {day}', { name, day: day(ends) })
    : t('revocation list {name} expires {day}', { name, day: day(ends) });
