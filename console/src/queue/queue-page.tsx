import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { type ReactElement, Suspense, useState } from 'react';
import type { Queues } from '../../../src/api/contract/host.ts';
import type { FoundMessage } from '../../../src/api/contract/message.ts';
import { lazyPart } from '../api/part.ts';
import { queued as queuedQuery, queues as queuesQuery } from '../api/queries.ts';
import { Button } from '../element/button.tsx';
import { useFirst } from '../element/first.tsx';
import { HealthBadge } from '../element/health-badge.tsx';
import { KIND_NAMES } from '../element/names.ts';
import { Pending } from '../element/notice.tsx';
import { Page, Panel } from '../element/page.tsx';
import { shortType } from '../element/short-type.ts';
import { StatusBadge } from '../element/status-badge.tsx';
import { clock, duration } from '../element/time-text.ts';
import { When } from '../element/when.tsx';
import { HostControls } from '../host/host-controls.tsx';
import { HostFind } from '../host/host-find.tsx';
import { rich, t } from '../language/translate.ts';
import { columnsOf, fieldsOf } from '../search/columns.tsx';
import { useMay } from '../shell/me.ts';
import { usePreferences } from '../shell/preferences.ts';

const COLUMNS = [
  t('Host'),
  t('State'),
  <span className="block text-right">{t('Waiting')}</span>,
  <span className="sr-only">{t('Share')}</span>,
  t('Oldest'),
  t('In flight'),
  t('Next try'),
];

const NONE: Queues['queues'] = [];

/** Every queue, fullest first; the chosen one with what waits in it, oldest first. */
export function QueuePage(): ReactElement {
  const { host, find } = useSearch({ from: '/queues' });
  const navigate = useNavigate();
  const { data, error } = useQuery(queuesQuery);
  const waiting = data?.queues.reduce((sum, { depth }) => sum + depth, 0) ?? 0;
  const chosen = data?.queues.find((one) => one.host === host);
  const most = (data?.queues ?? []).reduce((high, { depth }) => Math.max(high, depth), 1);
  const wanted = find?.toLowerCase() ?? '';
  const found = (data?.queues ?? NONE).filter((one) => one.host.toLowerCase().includes(wanted));
  const { first, more } = useFirst(found);
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
            <HostFind
              found={found.length}
              total={data.queues.length}
              find={find}
              onFind={(text) =>
                void navigate({
                  to: '/queues',
                  search: (before) => ({ ...before, find: text }),
                  replace: find !== undefined,
                  resetScroll: false,
                })
              }
            />
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
                {first.map((queue) => (
                  <tr
                    key={queue.host}
                    className={`border-t border-line ${queue.host === host ? 'bg-selected' : 'hover:bg-hover'}`}
                  >
                    <th
                      scope="row"
                      className="max-w-80 truncate px-3 py-1.5 font-normal max-sm:!max-w-full max-sm:wrap-anywhere max-sm:whitespace-normal"
                    >
                      <button
                        type="button"
                        aria-pressed={queue.host === host}
                        onClick={() =>
                          void navigate({
                            to: '/queues',
                            search: (before) => ({
                              ...before,
                              host: queue.host === host ? undefined : queue.host,
                            }),
                          })
                        }
                        className="text-left font-medium text-accent hover:underline"
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
                          time: clock(queue.retrying.next),
                        })}
                      {queue.retrying === undefined &&
                        queue.reconnect !== undefined &&
                        t('connects at {time}', { time: clock(queue.reconnect) })}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
            {more}
          </div>
          {chosen !== undefined && <Waiters queue={chosen} />}
        </div>
      )}
    </Page>
  );
}

/** What a phone shows next to a value, since it has no column headings. */
const onPhone = (text: string): ReactElement => <span className="sm:hidden">{text}</span>;

const DiscardDialog = lazyPart(() => import('../resend/discard-dialog.tsx'), 'DiscardDialog');

/** What waits in a queue, oldest first, with the search fields that are columns in the list of messages. */
function Waiters({
  queue: { host, health },
}: {
  readonly queue: Queues['queues'][number];
}): ReactElement {
  const [{ columns }] = usePreferences();
  const fields = fieldsOf(columnsOf(columns));
  const { data, error } = useQuery(queuedQuery(host, fields));
  const may = useMay();
  const [aborted, setAborted] = useState<FoundMessage | undefined>();
  return (
    <Panel
      title={t('Waiting for {host}, oldest first', { host })}
      flush
      actions={
        <>
          <HostControls host={{ name: host, health }} />
          <Link to="/hosts/$host" params={{ host }} className="text-xs text-accent hover:underline">
            {t('Host page')}
          </Link>
        </>
      }
    >
      <Pending answer={data} error={error} />
      {data?.items.length === 0 && (
        <p className="px-3 py-6 text-center text-ink-2">
          {t('Nothing waits for {host}.', { host })}
        </p>
      )}
      <ol>
        {data?.items.map((message) => (
          <li key={message.id} className="flex items-center border-t border-line first:border-0">
            <Waiter message={message} fields={fields} />
            {may('queue.abort') && (
              <Button
                look="quiet"
                className="mr-2 text-bad"
                aria-label={t('Abort message {id}', { id: `${message.id}` })}
                onClick={() => setAborted(message)}
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

function Waiter({
  message: { id, sessionId, status, created, type, source, fields: values },
  fields,
}: {
  readonly message: FoundMessage;
  readonly fields: readonly string[];
}): ReactElement {
  return (
    <Link
      to="/sessions/$id"
      params={{ id: sessionId }}
      search={{ step: `${id}` }}
      className="flex min-w-0 grow flex-wrap items-center gap-x-3 px-3 py-1 text-xs hover:bg-hover"
    >
      <span className="font-mono">
        <When at={created} />
      </span>
      <StatusBadge status={status} />
      <span className="min-w-14 whitespace-nowrap text-ink-2 max-sm:hidden">
        <When at={created} as="ago" />
      </span>
      <span className="font-mono">{shortType(type)}</span>
      <span className="text-ink-2">{t('from {host}', { host: source })}</span>
      {fields.map((name) => (
        <span key={name} className="font-mono" title={name}>
          {values?.[name]?.join(', ')}
        </span>
      ))}
      <span className="ml-auto font-mono text-ink-2 max-sm:hidden">{id}</span>
    </Link>
  );
}
