import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type ReactElement, useState } from 'react';
import type { Waits } from '../../../src/api/contract/kept.ts';
import { ask } from '../api/client.ts';
import { Button } from '../element/button.tsx';
import { ListTable } from '../element/list-table.tsx';
import { Nothing, Pending, Warning } from '../element/notice.tsx';
import { When } from '../element/when.tsx';
import { t } from '../language/translate.ts';
import { DiscardDialog } from '../resend/discard-dialog.tsx';
import { useMay } from '../shell/me.ts';
import { KeyText, PhoneName, REFRESH } from './parts.tsx';

type Wait = Waits['waits'][number];

/** Messages that wait for others, and those that came before anybody waited. */
export function WaitTable(): ReactElement {
  const may = useMay();
  const [ended, setEnded] = useState<Wait | undefined>(undefined);
  const { data, error } = useQuery({
    queryKey: ['waits'],
    queryFn: ({ signal }) => ask('GET /waits', { signal }),
    refetchInterval: REFRESH,
  });
  if (data === undefined) return <Pending answer={data} error={error} />;
  if (data.waits.length === 0)
    return <Nothing>{t('No message waits for another (context.receive).')}</Nothing>;
  return (
    <>
      {data.cut && <Warning>{t('There are more than are shown here.')}</Warning>}
      <ListTable
        label={t('Waiting messages')}
        look="min-w-[52rem]"
        columns={[
          t('Process ## a host'),
          t('Key ## of shared work'),
          t('Message'),
          t('Waits for'),
          t('Since'),
          t('Until'),
          '',
        ]}
      >
        {data.waits.map((wait) => (
          <tr
            key={`${wait.host} ${wait.keyId} ${wait.messageId}`}
            className="border-t border-line hover:bg-hover"
          >
            <th scope="row" className="px-3 py-1.5 font-normal">
              <Link
                to="/hosts/$host"
                params={{ host: wait.host }}
                className="text-accent hover:underline"
              >
                {wait.host}
              </Link>
            </th>
            <td className="px-3 py-1.5">
              <KeyText text={wait.key} />
            </td>
            <td className="px-3 py-1.5">
              <Link
                to="/messages/$id"
                params={{ id: wait.messageId }}
                className="font-mono text-xs text-accent hover:underline"
              >
                {wait.messageId}
              </Link>
            </td>
            <td className="max-w-72 px-3 py-1.5 text-xs break-words">{waitsFor(wait)}</td>
            <td className="px-3 py-1.5 font-mono text-xs">
              <PhoneName name={t('Since')} />
              <When at={wait.since} as="second" />
            </td>
            <td className="px-3 py-1.5 font-mono text-xs">
              <PhoneName name={t('Until')} />
              <When at={wait.until} as="second" />
            </td>
            <td className="px-3 py-1.5 text-right">
              {may('queue.abort') && wait.state === 'waits' && (
                <Button onClick={() => setEnded(wait)}>{t('End it')}</Button>
              )}
            </td>
          </tr>
        ))}
      </ListTable>
      {ended !== undefined && (
        <DiscardDialog
          message={{ id: ended.messageId, status: 'queued', target: ended.host }}
          onClose={() => setEnded(undefined)}
        />
      )}
    </>
  );
}

function waitsFor({ state, when }: Wait): ReactElement {
  if (state === 'early')
    return <span className="text-ink-2">{t('nobody yet: it came before anybody waited')}</span>;
  if (when === undefined) return <>{t('any message under this key')}</>;
  return (
    <code className="font-mono" translate="no">
      {when}
    </code>
  );
}
