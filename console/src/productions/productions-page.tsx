import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { CircleAlert, TriangleAlert } from 'lucide-react';
import type { ReactElement } from 'react';
import type { Alert } from '../../../src/api/contract/alert.ts';
import type { Failures } from '../../../src/api/contract/message.ts';
import { addressIn } from '../api/client.ts';
import { productions } from '../api/productions.ts';
import { ORIGINS } from '../configuration/origins.ts';
import { ListTable } from '../element/list-table.tsx';
import { LEVEL_NAMES } from '../element/names.ts';
import { Nothing, Pending } from '../element/notice.tsx';
import { Page } from '../element/page.tsx';
import { Said } from '../element/said.tsx';
import { StatusBadge } from '../element/status-badge.tsx';
import { Tabs } from '../element/tabs.tsx';
import { count } from '../element/time-text.ts';
import { When } from '../element/when.tsx';
import { Progress } from '../job/jobs-page.tsx';
import { actOf, stateOf } from '../job/names.ts';
import { serverText } from '../language/server-text.ts';
import { rich, t } from '../language/translate.ts';
import { FindInAll } from './find-in-all.tsx';
import { LinkIn, Missing, useGathered } from './gathered.tsx';
import type { Of } from './merged.ts';
import { Overview } from './overview.tsx';
import { alertsOf, changesOf, failuresOf, jobsOf } from './queries.ts';
import { SearchInAll } from './search-in-all.tsx';

const VIEWS = [
  ['overview', t('Overview')],
  ['find', t('Find')],
  ['search', t('Messages')],
  ['failures', t('What failed')],
  ['alerts', t('Alerts')],
  ['jobs', t('Jobs')],
  ['changes', t('Changes ## of productions')],
] as const;
type View = (typeof VIEWS)[number][0];

/** Every production that this console shows, and what is found, wrong, at work and changed in any of them. */
export function ProductionsPage(): ReactElement {
  const { data, error } = useQuery(productions);
  const { view: asked } = useSearch({ from: '/productions' });
  const navigate = useNavigate();
  const view: View = VIEWS.find(([name]) => name === asked)?.[0] ?? 'overview';
  const names = data?.productions ?? [];
  return (
    <Page
      title={t('Productions')}
      detail={data !== undefined && t('{count} that you may see', { count: names.length })}
      fixed
    >
      <Pending answer={data} error={data === undefined ? error : null} />
      {data !== undefined && (
        <Tabs
          label={t('Of all productions')}
          tabs={VIEWS}
          selected={view}
          onSelect={(next) =>
            void navigate({ to: '/productions', search: (before) => ({ ...before, view: next }) })
          }
        >
          <div className="flex flex-col gap-3 p-4">
            {view === 'overview' && <Overview names={names} />}
            {view === 'find' && <FindInAll names={names} />}
            {view === 'search' && <SearchInAll names={names} />}
            {view === 'failures' && <AllFailures names={names} />}
            {view === 'alerts' && <AllAlerts names={names} />}
            {view === 'jobs' && <AllJobs names={names} />}
            {view === 'changes' && <AllChanges names={names} />}
          </div>
        </Tabs>
      )}
    </Page>
  );
}

type Group = Failures['groups'][number];

/** What failed anywhere, by host and cause, most frequent first; each is dealt with in its production. */
function AllFailures({ names }: { readonly names: readonly string[] }): ReactElement {
  const found = useGathered(names, failuresOf, ({ groups }) => groups);
  const groups = found.items.toSorted((a, b) => b.item.count - a.item.count);
  return (
    <>
      <Missing missing={found.missing} />
      {groups.length === 0 && found.open === 0 && (
        <Nothing>{t('Nothing has failed in the productions that answer.')}</Nothing>
      )}
      <ul className="flex flex-col gap-2" aria-label={t('What failed')}>
        {groups.map((one) => (
          <FailureRow key={keyOf(one)} {...one} />
        ))}
      </ul>
    </>
  );
}

const keyOf = ({ production, item: { host, status, code, cause } }: Of<Group>): string =>
  JSON.stringify([production, host, status, code, cause]);

function FailureRow({ production, item }: Of<Group>): ReactElement {
  const { host, status, code, cause, text, said, count: many, first, last } = item;
  const messages = new URLSearchParams({ target: host, status, error: code, cause, last: 'all' });
  return (
    <li className="flex items-start gap-3 rounded-lg border border-line bg-surface px-3 py-2">
      <span className="shrink-0 text-lg font-semibold">{count(many)}</span>
      <div className="min-w-0 flex-1">
        <h2 className="flex flex-wrap items-center gap-2">
          <LinkIn production={production} path="suspended?all=1">
            {production}
          </LinkIn>
          <LinkIn production={production} path={`hosts/${encodeURIComponent(host)}`}>
            {host}
          </LinkIn>
          <StatusBadge status={status} />
          <span className="font-mono text-2xs font-normal text-ink-2">{code}</span>
        </h2>
        <p className="break-words">{serverText(text)}</p>
        <Said words={said} />
        <p className="flex flex-wrap gap-x-3 text-xs text-ink-2">
          <span>
            {rich('first {first}, last {last}', {
              first: <When at={first} as="second" />,
              last: <When at={last} as="ago" />,
            })}
          </span>
          <a
            href={addressIn(production, `messages?${messages}`)}
            className="text-accent hover:underline"
          >
            {t('View them')}
          </a>
        </p>
      </div>
    </li>
  );
}

/** Acts on many messages in any production, newest first. */
function AllJobs({ names }: { readonly names: readonly string[] }): ReactElement {
  const found = useGathered(names, jobsOf, ({ jobs }) => jobs);
  const jobs = found.items.toSorted((a, b) => b.item.created - a.item.created);
  return (
    <>
      <Missing missing={found.missing} />
      {jobs.length === 0 && found.open === 0 && (
        <Nothing>{t('No job has run in the productions that answer.')}</Nothing>
      )}
      {jobs.length > 0 && (
        <ListTable
          label={t('Jobs')}
          look="min-w-[44rem]"
          columns={[
            t('Production'),
            t('Job'),
            t('What'),
            t('State'),
            t('Progress'),
            t('By'),
            t('Begun'),
          ]}
        >
          {jobs.map(({ production, item }) => (
            <tr key={`${production} ${item.id}`} className="border-t border-line hover:bg-hover">
              <th scope="row" className="px-3 py-1.5 font-normal">
                <LinkIn production={production}>{production}</LinkIn>
              </th>
              <td className="px-3 py-1.5 font-mono">
                <a
                  href={addressIn(production, `jobs/${item.id}`)}
                  className="text-accent hover:underline"
                >
                  {item.id}
                </a>
              </td>
              <td className="px-3 py-1.5">{actOf(item)}</td>
              <td className="px-3 py-1.5">{stateOf(item)}</td>
              <td className="w-52 px-3 py-1.5">
                <Progress job={item} />
              </td>
              <td className="px-3 py-1.5 text-xs">{item.by}</td>
              <td className="px-3 py-1.5 text-xs">
                <When at={item.created} as="second" />
              </td>
            </tr>
          ))}
        </ListTable>
      )}
    </>
  );
}

/** Of all productions together. */
const MOST = 200;

/** What was applied in any production, newest first. */
function AllChanges({ names }: { readonly names: readonly string[] }): ReactElement {
  const found = useGathered(names, changesOf, ({ versions }) => versions);
  const changes = found.items.toSorted((a, b) => b.item.at - a.item.at).slice(0, MOST);
  return (
    <>
      <Missing missing={found.missing} />
      {changes.length === 0 && found.open === 0 && (
        <Nothing>{t('Nothing was applied in the productions that answer.')}</Nothing>
      )}
      {changes.length > 0 && (
        <ListTable
          label={t('Changes ## of productions')}
          look="min-w-[40rem]"
          columns={[t('Production'), t('Time'), t('By'), t('How'), t('Reason')]}
        >
          {changes.map(({ production, item: { version, at, by, origin, reason } }) => (
            <tr key={`${production} ${version} ${at}`} className="border-t border-line">
              <th scope="row" className="px-3 py-1.5 font-normal">
                <LinkIn production={production}>{production}</LinkIn>
              </th>
              <td className="px-3 py-1.5 text-xs">
                <a
                  href={addressIn(production, `history?version=${version}.${at}`)}
                  className="text-accent hover:underline"
                >
                  <When at={at} as="second" />
                </a>
              </td>
              <td className="px-3 py-1.5 text-xs" translate="no">
                {by}
              </td>
              <td className="px-3 py-1.5 text-xs">{ORIGINS[origin]}</td>
              <td className="px-3 py-1.5 text-xs break-words" translate="no">
                {reason ?? ''}
              </td>
            </tr>
          ))}
        </ListTable>
      )}
    </>
  );
}

/** What is wrong anywhere, newest first, each with its production, where it is dealt with. */
function AllAlerts({ names }: { readonly names: readonly string[] }): ReactElement {
  const found = useGathered(names, alertsOf, ({ alerts }) => alerts);
  const alerts = found.items.toSorted((a, b) => b.item.first - a.item.first);
  return (
    <>
      <Missing missing={found.missing} />
      {alerts.length === 0 && found.open === 0 && (
        <Nothing>{t('No alert is open in the productions that answer.')}</Nothing>
      )}
      <ul className="flex flex-col gap-2" aria-label={t('Alerts')}>
        {alerts.map((one) => (
          <AlertRow key={`${one.production} ${one.item.id}`} {...one} />
        ))}
      </ul>
    </>
  );
}

function AlertRow({ production, item }: Of<Alert>): ReactElement {
  const { level, text, host, first, owner } = item;
  const Icon = level === 'error' ? CircleAlert : TriangleAlert;
  return (
    <li className="flex items-start gap-3 rounded-lg border border-line bg-surface px-3 py-2">
      <Icon
        size={18}
        className={`mt-0.5 shrink-0 ${level === 'error' ? 'text-bad' : 'text-warn'}`}
        aria-hidden="true"
      />
      <div className="min-w-0">
        <p className="font-medium break-words">
          <span className="sr-only">{LEVEL_NAMES[level]}: </span>
          {serverText(text)}
        </p>
        <p className="flex flex-wrap gap-x-3 text-xs text-ink-2">
          <LinkIn production={production} path="alerts">
            {production}
          </LinkIn>
          {host !== undefined && (
            <LinkIn production={production} path={`hosts/${encodeURIComponent(host)}`}>
              {host}
            </LinkIn>
          )}
          <span>{rich('since {time}', { time: <When at={first} as="second" /> })}</span>
          {owner !== undefined && <span>{t('taken on by {owner}', { owner })}</span>}
        </p>
      </div>
    </li>
  );
}
