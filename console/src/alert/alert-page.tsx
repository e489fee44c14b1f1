import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import {
  AlarmClock,
  CalendarClock,
  CircleAlert,
  Hand,
  MessageSquare,
  TriangleAlert,
  UserPlus,
} from 'lucide-react';
import { type FormEvent, type ReactElement, useState } from 'react';
import type { Alert } from '../../../src/api/contract/alert.ts';
import { ask } from '../api/client.ts';
import { alerts as alertsQuery } from '../api/queries.ts';
import { serverNow } from '../clock/server-clock.ts';
import { Button, buttonStyle } from '../element/button.tsx';
import { INPUT } from '../element/field.tsx';
import { LEVEL_NAMES } from '../element/names.ts';
import { Nothing, Pending, Problem } from '../element/notice.tsx';
import { Page } from '../element/page.tsx';
import { duration, recent } from '../element/time-text.ts';
import { When } from '../element/when.tsx';
import { serverText } from '../language/server-text.ts';
import { rich, t } from '../language/translate.ts';
import { useMay } from '../shell/me.ts';
import { DELIVERY_NAMES, DELIVERY_TONES } from './names.ts';
import { PlanButton, PlannedWork } from './planned-work.tsx';

/** What is wrong, since when, and who is dealing with it. */
export function AlertPage(): ReactElement {
  const ended = useSearch({ from: '/alerts' }).over !== undefined;
  const navigate = useNavigate();
  const { data, error } = useQuery(alertsQuery(ended));
  const may = useMay();
  return (
    <Page
      title={t('Alerts')}
      detail={
        data !== undefined &&
        (ended
          ? t('{count} that are over', { count: data.alerts.length })
          : data.alerts.length === 0
            ? t('none open')
            : t('{count} {count|alert|alerts} open', { count: data.alerts.length }))
      }
      actions={
        <>
          {may('alert.ack') && (
            <Link to="/on-call" className={buttonStyle()}>
              <CalendarClock size={14} aria-hidden="true" /> {t('On call')}
            </Link>
          )}
          <PlanButton />
          <Button
            aria-pressed={ended}
            onClick={() => void navigate({ to: '/alerts', search: ended ? {} : { over: '1' } })}
          >
            {ended ? t('Show what is open') : t('Show what is over')}
          </Button>
        </>
      }
    >
      {!ended && <PlannedWork />}
      <Pending answer={data} error={error} />
      {data?.alerts.length === 0 && (
        <Nothing>
          {ended
            ? t('No alert has ended yet.')
            : t(
                'Everything is as it should be. What Waybill watches is set per host under alert: in the production.',
              )}
        </Nothing>
      )}
      <ul className="flex flex-col gap-2">
        {data?.alerts.map((alert) => (
          <AlertCard key={alert.id} alert={alert} />
        ))}
      </ul>
    </Page>
  );
}

/** One alert with what people did about it and what they can do. */
function AlertCard({ alert }: { readonly alert: Alert }): ReactElement {
  const { level, text, state, comments } = alert;
  const Icon = level === 'error' ? CircleAlert : TriangleAlert;
  return (
    <li
      className={`flex items-start gap-3 rounded-lg border bg-surface px-3 py-2 ${state === 'open' && alert.planned === undefined ? (level === 'error' ? 'border-bad/50' : 'border-warn/50') : 'border-line'}`}
    >
      <Icon
        size={18}
        className={`mt-0.5 shrink-0 ${level === 'error' ? 'text-bad' : 'text-warn'}`}
        aria-hidden="true"
      />
      <div className="flex min-w-0 flex-1 flex-wrap items-start gap-x-3 gap-y-2">
        <div className="min-w-60 flex-1">
          <p className="font-medium break-words">
            <span className="sr-only">{LEVEL_NAMES[level]}: </span>
            {serverText(text)}
          </p>
          <Facts alert={alert} />
          {alert.told !== undefined && <ToldList told={alert.told} />}
          {comments.length > 0 && (
            <ul className="mt-1 border-l-2 border-line-strong pl-2" aria-label={t('Comments')}>
              {comments.map((one) => (
                <li key={`${one.at} ${one.text}`} className="text-xs break-words">
                  {one.text}{' '}
                  <span className="text-ink-2">
                    {one.by}, <When at={one.at} as="recent" />
                  </span>
                </li>
              ))}
            </ul>
          )}
        </div>
        <Acts alert={alert} />
      </div>
    </li>
  );
}

function Facts({ alert }: { readonly alert: Alert }): ReactElement {
  const { rule, host, first, last, ended, owner, snoozed, planned } = alert;
  return (
    <p className="flex flex-wrap gap-x-3 text-xs text-ink-2">
      {host !== undefined && (
        <Link to="/hosts/$host" params={{ host }} className="text-accent hover:underline">
          {host}
        </Link>
      )}
      <span translate="no">{rule}</span>
      <span>{rich('since {time}', { time: <When at={first} as="second" /> })}</span>
      <span>
        {ended === undefined
          ? rich('last seen {time}', { time: <When at={last} as="ago" /> })
          : t('over after {duration}', { duration: duration(ended - first) })}
      </span>
      {owner !== undefined && <span>{t('taken on by {owner}', { owner })}</span>}
      {snoozed !== undefined && snoozed > serverNow() && (
        <span>{t('snoozed until {time}', { time: recent(snoozed) })}</span>
      )}
      {planned !== undefined && (
        <span className="font-medium text-info">
          {t('nobody is told: planned work until {time}', { time: recent(planned.to) })}
        </span>
      )}
    </p>
  );
}

const HOUR = 3_600_000;
/** How long an alert may be snoozed. */
const LATER = {
  hour: [t('1 hour'), () => serverNow() + HOUR],
  hours: [t('4 hours'), () => serverNow() + 4 * HOUR],
  morning: [t('until 8 in the morning'), () => nextMorning().getTime()],
  day: [t('1 day'), () => serverNow() + 24 * HOUR],
  weekend: [t('until Monday at 8'), nextMonday],
  week: [t('7 days'), () => serverNow() + 7 * 24 * HOUR],
} as const satisfies Record<string, readonly [string, () => number]>;

function nextMorning(): Date {
  const morning = new Date(serverNow());
  morning.setHours(8, 0, 0, 0);
  if (morning.getTime() <= serverNow()) morning.setDate(morning.getDate() + 1);
  return morning;
}

function nextMonday(): number {
  const morning = nextMorning();
  while (morning.getDay() !== 1) morning.setDate(morning.getDate() + 1);
  return morning.getTime();
}

function Acts({ alert: { id, ended, owner } }: { readonly alert: Alert }): ReactElement | null {
  const may = useMay();
  const client = useQueryClient();
  const [asked, setAsked] = useState<'comment' | 'assign' | 'later' | undefined>(undefined);
  const act = useMutation({
    mutationFn: (order: () => Promise<unknown>) => order(),
    onSuccess: () => setAsked(undefined),
    onSettled: () => client.invalidateQueries(),
  });
  if (!may('alert.ack')) return null;
  const path = { id };
  const open = ended === undefined;
  return (
    <div className="flex flex-col items-end gap-2">
      <div className="flex flex-wrap gap-2">
        {open && owner === undefined && (
          <Button
            disabled={act.isPending}
            onClick={() =>
              act.mutate(() => ask('POST /alerts/{id}/acknowledge', { path, body: {} }))
            }
          >
            <Hand size={14} aria-hidden="true" /> {t('Take on')}
          </Button>
        )}
        {open && may('alert.manage') && (
          <Button
            look="quiet"
            aria-expanded={asked === 'assign'}
            onClick={() => setAsked(asked === 'assign' ? undefined : 'assign')}
          >
            <UserPlus size={14} aria-hidden="true" /> {t('Give to…')}
          </Button>
        )}
        <Button
          look="quiet"
          aria-expanded={asked === 'comment'}
          onClick={() => setAsked(asked === 'comment' ? undefined : 'comment')}
        >
          <MessageSquare size={14} aria-hidden="true" /> {t('Comment')}
        </Button>
        {open && (
          <Button
            look="quiet"
            aria-expanded={asked === 'later'}
            onClick={() => setAsked(asked === 'later' ? undefined : 'later')}
          >
            <AlarmClock size={14} aria-hidden="true" /> {t('Put off…')}
          </Button>
        )}
      </div>
      {asked === 'later' && (
        // buttons, since a list would act with each arrow key
        <div role="group" aria-label={t('Put off')} className="flex flex-wrap justify-end gap-2">
          {Object.entries(LATER).map(([name, [title, until]]) => (
            <Button
              key={name}
              disabled={act.isPending}
              onClick={() =>
                act.mutate(() =>
                  ask('POST /alerts/{id}/snooze', { path, body: { until: until() } }),
                )
              }
            >
              {title}
            </Button>
          ))}
        </div>
      )}
      {(asked === 'comment' || asked === 'assign') && (
        <OneField
          key={asked}
          label={asked === 'comment' ? t('What to say') : t('Its new owner')}
          onSend={(text) =>
            act.mutate(() =>
              asked === 'comment'
                ? ask('POST /alerts/{id}/comment', { path, body: { text } })
                : ask('POST /alerts/{id}/assign', { path, body: { to: text } }),
            )
          }
        />
      )}
      {act.isError && <Problem error={act.error} />}
    </div>
  );
}

function OneField({
  label,
  onSend,
}: {
  readonly label: string;
  readonly onSend: (text: string) => void;
}): ReactElement {
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    onSend((new FormData(event.currentTarget).get('text') as string).trim());
  };
  return (
    <form onSubmit={submit} className="flex w-72 gap-2">
      <input
        name="text"
        aria-label={label}
        placeholder={label}
        required
        autoFocus
        maxLength={2_000}
        pattern=".*\S.*"
        autoComplete="off"
        className={INPUT}
      />
      <Button type="submit">{t('Send ## what was written')}</Button>
    </form>
  );
}

type Told = NonNullable<Alert['told']>[number];

/** Those that are shown without being asked for: what failed, and the latest. */
const SHOWN = 3;

/** Whom an alert was sent to, by which channel, and whether it got there. */
function ToldList({ told }: { readonly told: readonly Told[] }): ReactElement | null {
  if (told.length === 0) return null;
  const [before, latest] = [told.slice(0, -SHOWN), told.slice(-SHOWN)];
  return (
    <div className="mt-1 text-xs">
      {before.length > 0 && (
        <details>
          <summary className="cursor-pointer text-ink-2">
            {t('{count} {count|time|times} sent before', { count: before.length })}
          </summary>
          <List told={before} />
        </details>
      )}
      <List told={latest} />
    </div>
  );
}

function List({ told }: { readonly told: readonly Told[] }): ReactElement {
  return (
    <ul aria-label={t('Sent to')}>
      {told.map(({ at, news, to, channel, state, message, text }) => (
        <li key={`${at} ${to} ${channel} ${news}`} className="break-words text-ink-2">
          <When at={at} as="recent" />{' '}
          {to === channel || `operation ${to}` === channel
            ? channel
            : t('{to} by {channel}', { to, channel })}
          {news === 'over' && ` (${t('that it is over')})`}
          {': '}
          {message === undefined ? (
            <span className={DELIVERY_TONES[state]}>{DELIVERY_NAMES[state]}</span>
          ) : (
            <Link
              to="/messages/$id"
              params={{ id: message }}
              className="text-accent hover:underline"
            >
              {DELIVERY_NAMES[state]}
            </Link>
          )}
          {text !== undefined && `: ${serverText(text)}`}
        </li>
      ))}
    </ul>
  );
}
