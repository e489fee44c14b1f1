import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type ReactElement, useState } from 'react';
import type { BatchList } from '../../../src/api/contract/kept.ts';
import { ask } from '../api/client.ts';
import { Button } from '../element/button.tsx';
import { Confirm } from '../element/confirmed-button.tsx';
import { ListTable } from '../element/list-table.tsx';
import { Nothing, Pending } from '../element/notice.tsx';
import { bytes, count } from '../element/time-text.ts';
import { When } from '../element/when.tsx';
import { t } from '../language/translate.ts';
import { useMay } from '../shell/me.ts';
import { KeyText, REFRESH } from './parts.tsx';

type Batch = BatchList['batches'][number];

/** What is collected, and the way to make a message of it before its time. */
export function BatchTable(): ReactElement {
  const may = useMay();
  const [chosen, setChosen] = useState<
    { readonly batch: Batch; readonly discard: boolean } | undefined
  >(undefined);
  const { data, error } = useQuery({
    queryKey: ['batches'],
    queryFn: ({ signal }) => ask('GET /batches', { signal }),
    refetchInterval: REFRESH,
  });
  if (data === undefined) return <Pending answer={data} error={error} />;
  if (data.batches.length === 0) return <Nothing>{t('No process collects anything now.')}</Nothing>;
  return (
    <>
      <ListTable
        label={t('Being collected')}
        look="min-w-[52rem]"
        columns={[
          t('Process ## a host'),
          t('Key ## of shared work'),
          t('Messages'),
          t('Size'),
          t('Since'),
          t('Until'),
          '',
        ]}
      >
        {data.batches.map((batch) => (
          <tr
            key={`${batch.host} ${batch.keyId} ${batch.since}`}
            className="border-t border-line hover:bg-hover"
          >
            <th scope="row" className="px-3 py-1.5 font-normal">
              <Link
                to="/hosts/$host"
                params={{ host: batch.host }}
                className="text-accent hover:underline"
              >
                {batch.host}
              </Link>
            </th>
            <td className="px-3 py-1.5">
              <KeyText text={batch.key} />
            </td>
            <td className="px-3 py-1.5" data-name={t('Messages')}>
              {count(batch.parts)}
            </td>
            <td className="px-3 py-1.5 text-xs whitespace-nowrap">{bytes(batch.bytes)}</td>
            <td className="px-3 py-1.5 font-mono text-xs" data-name={t('Since')}>
              <When at={batch.since} as="second" />
            </td>
            <td className="px-3 py-1.5 text-xs" data-name={t('Until')}>
              {batch.closed === undefined ? (
                <span className="font-mono">
                  <When at={batch.until} as="second" />
                </span>
              ) : (
                <span className="text-info">{t('its message is being made')}</span>
              )}
            </td>
            <td className="px-3 py-1.5">
              {batch.closed === undefined && may('queue.abort') && (
                <span className="flex justify-end gap-2">
                  <Button onClick={() => setChosen({ batch, discard: false })}>
                    {t('Release')}
                  </Button>
                  {may('deadletter.discard') && (
                    <Button onClick={() => setChosen({ batch, discard: true })}>
                      {t('Discard ## what is collected')}
                    </Button>
                  )}
                </span>
              )}
            </td>
          </tr>
        ))}
      </ListTable>
      {chosen !== undefined && <Close {...chosen} onClose={() => setChosen(undefined)} />}
    </>
  );
}

function Close({
  batch: { host, keyId, parts },
  discard,
  onClose,
}: {
  readonly batch: Batch;
  readonly discard: boolean;
  readonly onClose: () => void;
}): ReactElement {
  return (
    <Confirm
      title={
        discard
          ? t('Discard what {host} collects', { host })
          : t('Release what {host} collects', { host })
      }
      act={discard ? t('Discard it ## what is collected') : t('Release it')}
      look={discard ? 'danger' : 'primary'}
      withReason
      order={(reason) => ask('POST /batches/close', { body: { host, keyId, discard, reason } })}
      onClose={onClose}
    >
      {discard
        ? t(
            '{count} {count|message|messages} would end without being sent. They stay in the trace.',
            {
              count: parts,
            },
          )
        : t(
            'A message is made now of {count} {count|message|messages}; what comes later begins anew.',
            {
              count: parts,
            },
          )}
    </Confirm>
  );
}
