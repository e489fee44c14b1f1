import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { alerts as alertsQuery } from '../api/queries.ts';
import { Button } from '../element/button.tsx';
import { Nothing, Pending } from '../element/notice.tsx';
import { Page } from '../element/page.tsx';
import { t } from '../language/translate.ts';
import { AlertCard } from './alert-card.tsx';

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
