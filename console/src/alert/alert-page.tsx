import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { BellOff, CircleAlert, Hand, TriangleAlert } from 'lucide-react';
import { type ReactElement, useState } from 'react';
import type { Alert } from '../../../src/operator/api/contract/alert.ts';
import { ask } from '../api/client.ts';
import { alerts as alertsQuery } from '../api/queries.ts';
import { Button } from '../element/button.tsx';
import { LEVEL_NAMES } from '../element/names.ts';
import { Nothing, Pending, Problem } from '../element/notice.tsx';
import { Page } from '../element/page.tsx';
import { clock, duration } from '../element/time-text.ts';
import { When } from '../element/when.tsx';
import { rich, t } from '../language/translate.ts';
import { useMay } from '../shell/me.ts';

const HOUR = 3_600_000;

/** What is not as it should be, since when, and who has taken it on. */
export function AlertPage(): ReactElement {
  const [ended, setEnded] = useState(false);
  const { data, error } = useQuery(alertsQuery(ended));
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
        <Button aria-pressed={ended} onClick={() => setEnded(!ended)}>
          {ended ? t('Show what is open') : t('Show what is over')}
        </Button>
      }
    >
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

function AlertCard({ alert }: { readonly alert: Alert }): ReactElement {
  const { id, level, text, rule, host, first, last, ended, owner, snoozed, note, state } = alert;
  const may = useMay();
  const client = useQueryClient();
  const act = useMutation({
    mutationFn: ({
      verb,
      body,
    }: {
      readonly verb: 'acknowledge' | 'snooze';
      readonly body: unknown;
    }) => ask(`alerts/${id}/${verb}`, { body }),
    onSettled: () => client.invalidateQueries(),
  });
  const Icon = level === 'error' ? CircleAlert : TriangleAlert;
  return (
    <li
      className={`flex flex-wrap items-start gap-3 rounded-lg border bg-surface px-3 py-2 ${state === 'open' ? (level === 'error' ? 'border-bad/50' : 'border-warn/50') : 'border-line'}`}
    >
      <Icon
        size={18}
        className={`mt-0.5 shrink-0 ${level === 'error' ? 'text-bad' : 'text-warn'}`}
        aria-hidden="true"
      />
      <div className="min-w-0 flex-1">
        <p className="font-medium break-words">
          <span className="sr-only">{LEVEL_NAMES[level]}: </span>
          {text}
        </p>
        <p className="flex flex-wrap gap-x-3 text-xs text-ink-2">
          {host !== undefined && (
            <Link to="/hosts/$host" params={{ host }} className="text-accent hover:underline">
              {host}
            </Link>
          )}
          <span>{rule}</span>
          <span>{rich('since {time}', { time: <When at={first} as="second" /> })}</span>
          <span>
            {ended === undefined
              ? rich('last seen {time}', { time: <When at={last} as="ago" /> })
              : t('over after {duration}', { duration: duration(ended - first) })}
          </span>
          {owner !== undefined && <span>{t('{owner} has it', { owner })}</span>}
          {snoozed !== undefined && (
            <span>{t('put off until {time}', { time: clock(snoozed, false) })}</span>
          )}
          {note !== undefined && <span>{note}</span>}
        </p>
        {act.isError && <Problem error={act.error} />}
      </div>
      {may('alert.ack') && ended === undefined && (
        <div className="flex gap-2">
          {owner === undefined && (
            <Button
              disabled={act.isPending}
              onClick={() => act.mutate({ verb: 'acknowledge', body: {} })}
            >
              <Hand size={14} aria-hidden="true" /> {t('I have it')}
            </Button>
          )}
          <Button
            look="quiet"
            disabled={act.isPending}
            onClick={() => act.mutate({ verb: 'snooze', body: { until: Date.now() + HOUR } })}
          >
            <BellOff size={14} aria-hidden="true" /> {t('Put off 1 h')}
          </Button>
        </div>
      )}
    </li>
  );
}
