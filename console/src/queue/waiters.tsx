import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { lazy, type ReactElement, Suspense, useState } from 'react';
import type { Queues } from '../../../src/api/contract/host.ts';
import type { FoundMessage } from '../../../src/api/contract/message.ts';
import { queued as queuedQuery } from '../api/queries.ts';
import { Button } from '../element/button.tsx';
import { Pending } from '../element/notice.tsx';
import { Panel } from '../element/page.tsx';
import { shortType } from '../element/short-type.ts';
import { StatusBadge } from '../element/status-badge.tsx';
import { When } from '../element/when.tsx';
import { HostControls } from '../host/host-controls.tsx';
import { t } from '../language/translate.ts';
import { columnsOf, fieldsOf } from '../search/columns.tsx';
import { useMay } from '../shell/me.ts';
import { usePreferences } from '../shell/preferences.ts';

const DiscardDialog = lazy(() =>
  import('../resend/discard-dialog.tsx').then((part) => ({ default: part.DiscardDialog })),
);

/** What waits in a queue, oldest first, with the search fields that the list of messages has as columns. */
export function Waiters({
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
      <span className="w-14 text-ink-2 max-sm:hidden">
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
