import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { productions } from '../api/productions.ts';
import { Pending } from '../element/notice.tsx';
import { Page } from '../element/page.tsx';
import { Tabs } from '../element/tabs.tsx';
import { t } from '../language/translate.ts';
import { AllAlerts } from './all-alerts.tsx';
import { AllChanges } from './all-changes.tsx';
import { AllFailures } from './all-failures.tsx';
import { AllJobs } from './all-jobs.tsx';
import { FindInAll } from './find-in-all.tsx';
import { Overview } from './overview.tsx';
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
