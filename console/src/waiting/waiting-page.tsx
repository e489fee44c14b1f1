import { useNavigate, useSearch } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { Page } from '../element/page.tsx';
import { Tabs } from '../element/tabs.tsx';
import { t } from '../language/translate.ts';
import { BatchTable } from './batch-table.tsx';
import { StateTable } from './state-table.tsx';
import { SubscriberTable } from './subscriber-table.tsx';
import { WaitTable } from './wait-table.tsx';

const TABS = [
  ['waits', t('Waiting messages')],
  ['batches', t('Being collected')],
  ['state', t('Shared state')],
  ['subscribers', t('Subscribers')],
] as const;
type Tab = (typeof TABS)[number][0];

/** What durable processes keep between messages: who waits for whom, what is collected, what is shared. */
export function WaitingPage(): ReactElement {
  const { tab } = useSearch({ from: '/waiting' });
  const navigate = useNavigate();
  const selected: Tab = TABS.find(([name]) => name === tab)?.[0] ?? 'waits';
  return (
    <Page
      title={t('Durable work')}
      detail={t('what processes keep between messages, across restarts')}
    >
      <Tabs
        label={t('Kind')}
        tabs={TABS}
        selected={selected}
        onSelect={(next) => void navigate({ to: '/waiting', search: { tab: next } })}
      >
        <div className="flex flex-col gap-3 pt-3">
          {selected === 'waits' && <WaitTable />}
          {selected === 'batches' && <BatchTable />}
          {selected === 'state' && <StateTable />}
          {selected === 'subscribers' && <SubscriberTable />}
        </div>
      </Tabs>
    </Page>
  );
}
