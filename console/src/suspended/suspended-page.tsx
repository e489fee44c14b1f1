import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { FlaskConical, RefreshCcw, Repeat2, Trash2 } from 'lucide-react';
import type { ReactElement } from 'react';
import type { Failures } from '../../../src/api/contract/message.ts';
import { failures as failuresQuery, hosts as hostsQuery, someMessages } from '../api/queries.ts';
import { Button, buttonStyle } from '../element/button.tsx';
import { Nothing, Pending } from '../element/notice.tsx';
import { Page } from '../element/page.tsx';
import { Said } from '../element/said.tsx';
import { shortType } from '../element/short-type.ts';
import { StatusBadge } from '../element/status-badge.tsx';
import { count, duration } from '../element/time-text.ts';
import { When } from '../element/when.tsx';
import { useConfigurationChanges } from '../event/configuration-changes.ts';
import { serverText } from '../language/server-text.ts';
import { rich, t } from '../language/translate.ts';
import { useMay } from '../shell/me.ts';
import { changeBefore } from './change-before.ts';

type Group = Failures['groups'][number];

/**
 * What waits for a person, grouped by host and cause, so that three hundred messages with one cause
 * are one decision.
 */
export function SuspendedPage(): ReactElement {
  const { all } = useSearch({ from: '/suspended' });
  const navigate = useNavigate();
  const { data, error } = useQuery(failuresQuery());
  const groups = (data?.groups ?? []).filter(({ status }) => all === '1' || status === 'suspended');
  const errors = (data?.groups ?? []).filter(({ status }) => status === 'error').length;
  return (
    <Page
      title={t('Suspended messages')}
      detail={
        data !== undefined &&
        t('{count} in {groups} {groups|group|groups}', {
          count: groups.reduce((sum, group) => sum + group.count, 0),
          groups: groups.length,
        })
      }
      actions={
        <Button
          aria-pressed={all === '1'}
          onClick={() =>
            void navigate({ to: '/suspended', search: all === '1' ? {} : { all: '1' } })
          }
        >
          {all === '1' ? t('Only suspended') : withErrors(errors)}
        </Button>
      }
    >
      <Pending answer={data} error={error} />
      {data !== undefined && groups.length === 0 && (
        <Nothing>
          {t(
            'Nothing waits for a person. A message is suspended when a rule or a receiver says that somebody must look at it.',
          )}
        </Nothing>
      )}
      <div className="flex flex-col gap-3">
        {groups.map((group) => (
          <GroupCard
            key={`${group.host} ${group.status} ${group.code} ${group.cause}`}
            group={group}
          />
        ))}
      </div>
    </Page>
  );
}

const withErrors = (groups: number): string =>
  groups === 0 ? t('With errors') : t('With errors ({count})', { count: groups });

function GroupCard({ group }: { readonly group: Group }): ReactElement {
  const { host, status, code, cause, text, said, count: many, first, last } = group;
  const may = useMay();
  const { data: known } = useQuery(hostsQuery);
  const isGone = known !== undefined && !known.hosts.some(({ name }) => name === host);
  const criteria = { target: host, status, error: code, cause, last: 'all' };
  const { data } = useQuery(
    someMessages({ target: host, status: [status], error: code, cause, limit: 5 }),
  );
  return (
    <section className="rounded-lg border border-line bg-surface">
      <div className="flex flex-wrap items-start gap-x-3 gap-y-2 border-b border-line px-3 py-2">
        <span className="text-lg font-semibold">{count(many)}</span>
        <div className="min-w-0 flex-1 lg:min-w-80">
          <h2 className="flex flex-wrap items-center gap-2">
            <Link to="/hosts/$host" params={{ host }} className="text-accent hover:underline">
              {host}
            </Link>
            <StatusBadge status={status} />
            <span className="font-mono text-2xs font-normal text-ink-2">{code}</span>
            {isGone && (
              <span className="text-xs font-normal text-warn">
                {t('no longer in the production')}
              </span>
            )}
          </h2>
          <p className="break-words">{serverText(text)}</p>
          <Said words={said} />
          <p className="text-xs text-ink-2">
            {rich('first {first}, last {last}', {
              first: <When at={first} as="second" />,
              last: <When at={last} as="ago" />,
            })}
            <AfterChange began={first} />
          </p>
        </div>
        <div className="flex flex-wrap gap-2">
          <Link to="/messages" search={criteria} className={buttonStyle()}>
            {t('View them')}
          </Link>
          {may('config.view') && may('message.content') && (
            <Link to="/rehearsals" search={criteria} className={buttonStyle()}>
              <FlaskConical size={14} aria-hidden="true" /> {t('Try the files')}
            </Link>
          )}
          {may('message.bulk') && may('message.resend') && (
            <Link to="/jobs/new" search={{ ...criteria, act: 'resend' }} className={buttonStyle()}>
              <Repeat2 size={14} aria-hidden="true" /> {t('Resend all')}
            </Link>
          )}
          {may('message.bulk') && may('message.resend') && (
            <Link
              to="/jobs/new"
              search={{ ...criteria, act: 'reprocess' }}
              className={buttonStyle()}
            >
              <RefreshCcw size={14} aria-hidden="true" /> {t('Process all again')}
            </Link>
          )}
          {may('message.bulk') && may('deadletter.discard') && status === 'suspended' && (
            <Link
              to="/jobs/new"
              search={{ ...criteria, act: 'discard' }}
              className={buttonStyle('danger')}
            >
              <Trash2 size={14} aria-hidden="true" /> {t('Discard all')}
            </Link>
          )}
        </div>
      </div>
      <ul>
        {data?.items.map(({ id, sessionId, created, type, source }) => (
          <li key={id}>
            <Link
              to="/sessions/$id"
              params={{ id: sessionId }}
              search={{ step: `${id}` }}
              className="flex gap-3 px-3 py-1 text-xs hover:bg-hover"
            >
              <span className="shrink-0 font-mono">
                <When at={created} />
              </span>
              <span className="truncate font-mono">{shortType(type)}</span>
              <span className="truncate text-ink-2">{t('from {source}', { source })}</span>
              <span className="ml-auto shrink-0 font-mono text-ink-2 max-sm:hidden">{id}</span>
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Says if the configuration was changed shortly before: the most likely reason. */
function AfterChange({ began }: { readonly began: number }): ReactElement | null {
  const change = changeBefore(began, useConfigurationChanges());
  if (change === undefined) return null;
  const since = duration(began - change.at);
  return (
    <Link
      to="/events"
      className="ml-2 font-medium text-warn hover:underline"
      title={serverText(change.text)}
    >
      {change.by === undefined
        ? t('{duration} after the configuration was changed', { duration: since })
        : t('{duration} after the configuration was changed by {by}', {
            duration: since,
            by: change.by,
          })}
    </Link>
  );
}
