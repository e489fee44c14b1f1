import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { lazy, type ReactElement, Suspense, useState } from 'react';
import type { Message } from '../../../src/operator/api/contract/message.ts';
import { queued as queuedQuery, queues as queuesQuery } from '../api/queries.ts';
import { Button } from '../element/button.tsx';
import { HealthBadge } from '../element/health-badge.tsx';
import { KIND_NAMES } from '../element/names.ts';
import { Pending } from '../element/notice.tsx';
import { Page, Panel } from '../element/page.tsx';
import { StatusBadge } from '../element/status-badge.tsx';
import { clock, duration } from '../element/time-text.ts';
import { When } from '../element/when.tsx';
import { rich, t } from '../language/translate.ts';
import { useMay } from '../shell/me.ts';

const DiscardDialog = lazy(() =>
  import('../resend/discard-dialog.tsx').then((part) => ({ default: part.DiscardDialog })),
);

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
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          {host !== undefined && <Waiters host={host} />}
        </div>
      )}
    </Page>
  );
}

/** What a phone shows beside a value, since it has no heads of columns. */
const onPhone = (text: string): ReactElement => <span className="sm:hidden">{text}</span>;

function Waiters({ host }: { readonly host: string }): ReactElement {
  const { data, error } = useQuery(queuedQuery(host));
  const may = useMay();
  const [aborted, setAborted] = useState<Pick<Message, 'id' | 'status'> | undefined>();
  return (
    <Panel
      title={t('Waiting for {host}, oldest first', { host })}
      flush
      actions={
        <Link to="/hosts/$host" params={{ host }} className="text-xs text-accent hover:underline">
          {t('Host page')}
        </Link>
      }
    >
      <Pending answer={data} error={error} />
      {data?.items.length === 0 && (
        <p className="px-3 py-6 text-center text-ink-2">
          {t('Nothing waits for {host}.', { host })}
        </p>
      )}
      <ol>
        {data?.items.map(({ id, sessionId, status, created }) => (
          <li key={id} className="flex items-center border-t border-line first:border-0">
            <Link
              to="/sessions/$id"
              params={{ id: sessionId }}
              search={{ step: `${id}` }}
              className="flex grow items-center gap-x-3 px-3 py-1 hover:bg-hover"
            >
              <span className="font-mono text-xs">
                <When at={created} />
              </span>
              <StatusBadge status={status} />
              <span className="text-xs text-ink-2 max-sm:hidden">
                <When at={created} as="ago" />
              </span>
              <span className="ml-auto font-mono text-xs text-ink-2 max-sm:hidden">{id}</span>
            </Link>
            {may('queue.abort') && (
              <Button
                look="quiet"
                className="mr-2 text-bad"
                aria-label={t('Abort message {id}', { id: `${id}` })}
                onClick={() => setAborted({ id, status })}
              >
                {t('Abort')}
              </Button>
            )}
          </li>
        ))}
      </ol>
      {data?.next !== undefined && (
        <p className="border-t border-line px-3 py-2 text-xs text-ink-2">
          {t('More wait behind these.')}
        </p>
      )}
      <Suspense>
        {aborted !== undefined && (
          <DiscardDialog
            message={{ ...aborted, target: host }}
            onClose={() => setAborted(undefined)}
          />
        )}
      </Suspense>
    </Panel>
  );
}
