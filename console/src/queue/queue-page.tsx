import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { queues as queuesQuery } from '../api/queries.ts';
import { HealthBadge } from '../element/health-badge.tsx';
import { KIND_NAMES } from '../element/names.ts';
import { Pending } from '../element/notice.tsx';
import { Page } from '../element/page.tsx';
import { clock, duration } from '../element/time-text.ts';
import { rich, t } from '../language/translate.ts';
import { Waiters } from './waiters.tsx';

const COLUMNS = [
  t('Host'),
  t('State'),
  <span className="block text-right">{t('Waiting')}</span>,
  <span className="sr-only">{t('Share')}</span>,
  t('Oldest'),
  t('In flight'),
  t('Next try'),
];

/** Every queue, fullest first; the chosen one with what waits in it, oldest first. */
export function QueuePage(): ReactElement {
  const { host } = useSearch({ from: '/queues' });
  const navigate = useNavigate();
  const { data, error } = useQuery(queuesQuery);
  const waiting = data?.queues.reduce((sum, { depth }) => sum + depth, 0) ?? 0;
  const chosen = data?.queues.find((one) => one.host === host);
  const most = Math.max(1, ...(data?.queues ?? []).map(({ depth }) => depth));
  return (
    <Page
      title={t('Queues')}
      detail={
        data !== undefined &&
        (waiting === 0 ? t('nothing waits') : t('{count} waiting', { count: waiting }))
      }
    >
      <Pending answer={data} error={error} />
      {data !== undefined && (
        <div className="flex flex-col gap-4">
          <div
            className="relative overflow-x-auto rounded-lg border border-line bg-surface"
            tabIndex={0}
            role="region"
            aria-label={t('Queues')}
          >
            <table className="stack w-full border-collapse text-left">
              <thead>
                <tr className="bg-sunken text-2xs text-ink-2">
                  {COLUMNS.map((name, index) => (
                    <th key={index} scope="col" className="px-3 py-1.5 font-medium">
                      {name}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {data.queues.map((queue) => (
                  <tr
                    key={queue.host}
                    className={`border-t border-line ${queue.host === host ? 'bg-selected' : 'hover:bg-hover'}`}
                  >
                    <th scope="row" className="px-3 py-1.5 font-normal">
                      <button
                        type="button"
                        aria-pressed={queue.host === host}
                        onClick={() =>
                          void navigate({
                            to: '/queues',
                            search: queue.host === host ? {} : { host: queue.host },
                          })
                        }
                        className="font-medium text-accent hover:underline"
                      >
                        {queue.host}
                      </button>
                      <span className="ml-2 text-xs text-ink-2">{KIND_NAMES[queue.kind]}</span>
                    </th>
                    <td className="px-3 py-1.5">
                      <HealthBadge health={queue.health} />
                    </td>
                    <td className="px-3 py-1.5 text-right font-medium">
                      {rich('{count}<unit> waiting</unit>', {
                        count: queue.depth,
                        unit: (text) => <span className="sm:sr-only">{text}</span>,
                      })}
                    </td>
                    <td className="w-40 px-3 py-1.5 max-sm:!hidden">
                      <span
                        className="block h-1.5 rounded-full bg-accent"
                        style={{ width: `${(queue.depth / most) * 100}%` }}
                      />
                    </td>
                    <td className="px-3 py-1.5 text-xs">
                      {queue.oldest !== undefined &&
                        queue.depth > 0 &&
                        rich('<unit>oldest </unit>{duration}', {
                          duration: duration(data.at - queue.oldest),
                          unit: onPhone,
                        })}
                    </td>
                    <td className="px-3 py-1.5 text-xs">
                      {queue.inFlight > 0 &&
                        rich('{count}<unit> in flight</unit>', {
                          count: queue.inFlight,
                          unit: onPhone,
                        })}
                    </td>
                    <td className="px-3 py-1.5 text-xs text-warn">
                      {queue.retrying !== undefined &&
                        t('try {attempt} at {time}', {
                          attempt: queue.retrying.attempt + 1,
                          time: clock(queue.retrying.next, false),
                        })}
                      {queue.retrying === undefined &&
                        queue.reconnect !== undefined &&
                        t('connects at {time}', { time: clock(queue.reconnect, false) })}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          {chosen !== undefined && <Waiters queue={chosen} />}
        </div>
      )}
    </Page>
  );
}

/** What a phone shows beside a value, since it has no heads of columns. */
const onPhone = (text: string): ReactElement => <span className="sm:hidden">{text}</span>;
