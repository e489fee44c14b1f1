import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import type { FormEvent, ReactElement, ReactNode } from 'react';
import type { Alert } from '../../../src/api/contract/alert.ts';
import { ask } from '../api/client.ts';
import { alerts as alertsQuery, events as eventsQuery, jobs as jobsQuery } from '../api/queries.ts';
import { Button } from '../element/button.tsx';
import { INPUT } from '../element/field.tsx';
import { Pending, Problem, Waiting } from '../element/notice.tsx';
import { Page, Panel } from '../element/page.tsx';
import { When } from '../element/when.tsx';
import { actOf, stateOf } from '../job/names.ts';
import { serverText } from '../language/server-text.ts';
import { rich, t } from '../language/translate.ts';
import { me, useMay } from '../shell/me.ts';
import { FailureLine } from '../suspended/failure-line.tsx';
import { NoteLines } from './note-lines.tsx';
import { notes as notesQuery, presence } from './queries.ts';

/** What those who leave tell those who come: all notes, and what happened while one was away. */
export function ShiftPage(): ReactElement {
  const { find = '' } = useSearch({ from: '/shift' });
  const navigate = useNavigate();
  const { data: here } = useQuery(presence);
  const { data, error } = useQuery(notesQuery(find === '' ? {} : { text: find }));
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const text = (new FormData(event.currentTarget).get('find') as string).trim();
    void navigate({ to: '/shift', search: { find: text }, replace: true });
  };
  return (
    <Page
      title={t('Shift')}
      detail={t('notes on hosts, alerts and messages, for those who come after')}
    >
      <div className="flex flex-col gap-4">
        {here?.away !== undefined && <WhileAway {...here.away} />}
        <Panel
          title={t('Notes')}
          actions={
            <form onSubmit={submit} className="flex gap-2" role="search">
              <input
                key={find}
                type="search"
                name="find"
                defaultValue={find}
                aria-label={t('Find in notes')}
                placeholder={t('Find in notes')}
                maxLength={200}
                className={INPUT}
              />
              <Button type="submit">{t('Find')}</Button>
            </form>
          }
        >
          <Pending answer={data} error={error} />
          {data?.notes.length === 0 && (
            <p className="text-ink-2">
              {find === ''
                ? t(
                    'Nobody has written anything. Notes are written on the page of a host or message, and beside an alert.',
                  )
                : t('No note contains this.')}
            </p>
          )}
          {data !== undefined && <NoteLines notes={data.notes} label={t('Notes')} named />}
        </Panel>
      </div>
    </Page>
  );
}

interface Time {
  readonly from: number;
  readonly to: number;
}

/** Lines of a kind that are shown; the page of that kind has the others. */
const MOST = 12;

/** What happened in a time in which somebody did not look: only what they may see. */
function WhileAway({ from, to }: Time): ReactElement {
  const client = useQueryClient();
  const may = useMay();
  const read = useMutation({
    mutationFn: () => ask('POST /me/presence', { body: { caughtUp: true } }),
    onSuccess: () => client.invalidateQueries({ queryKey: presence.queryKey }),
  });
  return (
    <Panel
      title={t('While you were away')}
      actions={
        <>
          <span className="text-xs text-ink-2">
            {rich('{from} to {to}', {
              from: <When at={from} as="recent" />,
              to: <When at={to} as="recent" />,
            })}
          </span>
          <Button disabled={read.isPending} onClick={() => read.mutate()}>
            {t('I have read it')}
          </Button>
        </>
      }
    >
      {read.isError && <Problem error={read.error} />}
      <div className="grid gap-x-6 gap-y-4 lg:grid-cols-2">
        {may('message.search') && <Failed from={from} to={to} />}
        <AlertsOf from={from} to={to} />
        {may('event.view') && <EventsOf from={from} to={to} />}
        <NotesOf from={from} to={to} />
        {may('message.bulk') && <JobsOf from={from} to={to} />}
      </div>
    </Panel>
  );
}

/** One kind of what happened, with its number. */
function Part({
  title,
  children,
  lines,
  error,
}: {
  readonly title: string;
  /** Undefined until it is known. */
  readonly lines: number | undefined;
  readonly error: unknown;
  readonly children: ReactNode;
}): ReactElement {
  return (
    <section className="min-w-0">
      <h3 className="mb-1 text-xs font-semibold text-ink-2">{title}</h3>
      {error !== null && <Problem error={error} />}
      {lines === undefined && error === null && <Waiting />}
      {lines === 0 && <p className="text-ink-2">{t('nothing')}</p>}
      {children}
      {lines !== undefined && lines > MOST && (
        <p className="mt-1 text-xs text-ink-2">{t('and {count} more', { count: lines - MOST })}</p>
      )}
    </section>
  );
}

function Failed({ from, to }: Time): ReactElement {
  const { data, error } = useQuery({
    queryKey: ['failures', from, to],
    queryFn: ({ signal }) => ask('GET /failures', { query: { from, to }, signal }),
  });
  return (
    <Part title={t('Failed or suspended')} lines={data?.groups.length} error={error}>
      <ul>
        {data?.groups.slice(0, MOST).map((group) => (
          <li key={`${group.host} ${group.status} ${group.code} ${group.cause}`}>
            <FailureLine
              group={group}
              within={{ from: new Date(from).toISOString(), to: new Date(to).toISOString() }}
            />
          </li>
        ))}
      </ul>
    </Part>
  );
}

function AlertsOf({ from, to }: Time): ReactElement {
  const open = useQuery(alertsQuery(false));
  const over = useQuery(alertsQuery(true));
  const all = [...(open.data?.alerts ?? []), ...(over.data?.alerts ?? [])];
  const within = (at: number | undefined): boolean => at !== undefined && at >= from && at < to;
  const told = all
    .filter(({ first, ended }) => within(first) || within(ended))
    .toSorted((a, b) => b.first - a.first);
  const isKnown = open.data !== undefined && over.data !== undefined;
  return (
    <Part
      title={t('Alerts raised and over')}
      lines={isKnown ? told.length : undefined}
      error={open.error ?? over.error}
    >
      <ul>
        {isKnown && told.slice(0, MOST).map((alert) => <AlertLine key={alert.id} alert={alert} />)}
      </ul>
    </Part>
  );
}

function AlertLine({
  alert: { level, text, first, ended },
}: {
  readonly alert: Alert;
}): ReactElement {
  return (
    <li className="py-0.5 break-words">
      <span className={level === 'error' ? 'text-bad' : 'text-warn'}>{serverText(text)}</span>{' '}
      <span className="text-xs text-ink-2">
        {ended === undefined
          ? rich('since {time}, still open', { time: <When at={first} as="recent" /> })
          : rich('{from} to {to}', {
              from: <When at={first} as="recent" />,
              to: <When at={ended} as="recent" />,
            })}
      </span>
    </li>
  );
}

/** Events that change what runs. */
const CHANGES = new Set(['host-stopped', 'host-started', 'configuration-changed', 'override']);

function EventsOf({ from, to }: Time): ReactElement {
  const { data, error } = useQuery(eventsQuery({ from, to, limit: 1_000 }));
  const told = data?.items.filter(({ event }) => CHANGES.has(event));
  return (
    <Part title={t('Hosts switched, changes applied')} lines={told?.length} error={error}>
      <ul>
        {told?.slice(0, MOST).map(({ at, host, event, text, by }, index) => (
          <li key={`${at} ${host} ${event} ${index}`} className="py-0.5 break-words">
            {host !== '' && <strong className="font-medium">{host} </strong>}
            {text === '' ? event : serverText(text)}{' '}
            <span className="text-xs text-ink-2">
              {by} <When at={at} as="recent" />
              {text !== '' && (
                <>
                  {' · '}
                  <span translate="no">{event}</span>
                </>
              )}
            </span>
          </li>
        ))}
      </ul>
    </Part>
  );
}

function NotesOf({ from, to }: Time): ReactElement {
  const { data: user } = useQuery(me);
  const { data, error } = useQuery(notesQuery({ from, to }));
  const others = data?.notes.filter(({ own }) => !own || user === undefined);
  return (
    <Part title={t('Notes of others')} lines={others?.length} error={error}>
      {others !== undefined && (
        <NoteLines notes={others.slice(0, MOST)} label={t('Notes of others')} named />
      )}
    </Part>
  );
}

function JobsOf({ from, to }: Time): ReactElement {
  const { data, error } = useQuery(jobsQuery);
  const ended = data?.jobs.filter(({ ended: at }) => at !== undefined && at >= from && at < to);
  return (
    <Part title={t('Jobs that ended')} lines={ended?.length} error={error}>
      <ul>
        {ended?.slice(0, MOST).map((job) => (
          <li key={job.id} className="py-0.5">
            <Link to="/jobs/$id" params={{ id: job.id }} className="text-accent hover:underline">
              {actOf(job)}
            </Link>{' '}
            <span className="text-ink-2">
              {stateOf(job)}, {job.by}
            </span>
          </li>
        ))}
      </ul>
    </Part>
  );
}
