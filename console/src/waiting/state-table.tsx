import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type ReactElement, useState } from 'react';
import type { SharedStates } from '../../../src/api/contract/kept.ts';
import { ask } from '../api/client.ts';
import { Button } from '../element/button.tsx';
import { Confirm } from '../element/confirmed-button.tsx';
import { Field } from '../element/field.tsx';
import { ListTable } from '../element/list-table.tsx';
import { Modal } from '../element/modal.tsx';
import { Nothing, Pending, Warning } from '../element/notice.tsx';
import { bytes } from '../element/time-text.ts';
import { When } from '../element/when.tsx';
import { t } from '../language/translate.ts';
import { Masked } from '../message/hl7-tree.tsx';
import { useMay } from '../shell/me.ts';
import { KeyText, REFRESH } from './parts.tsx';

type Entry = SharedStates['entries'][number];

/** What messages share by a key; values are opened one by one, since they may be of patients. */
export function StateTable(): ReactElement {
  const may = useMay();
  const [typed, setTyped] = useState('');
  const [key, setKey] = useState('');
  const [chosen, setChosen] = useState<
    { readonly entry: Entry; readonly act: 'look' | 'remove' } | undefined
  >(undefined);
  const { data, error } = useQuery({
    queryKey: ['state', key],
    queryFn: ({ signal }) =>
      ask('GET /state', { query: { key: key === '' ? undefined : key }, signal }),
    refetchInterval: REFRESH,
  });
  const close = (): void => setChosen(undefined);
  return (
    <>
      <form
        className="flex flex-wrap items-end gap-2"
        onSubmit={(event) => {
          event.preventDefault();
          setKey(typed.trim());
        }}
      >
        <Field
          label={t('Key ## of shared work')}
          className="w-72"
          value={typed}
          onChange={({ target }) => setTyped(target.value)}
        />
        <Button type="submit">{t('Find')}</Button>
      </form>
      <Pending answer={data} error={error} />
      {data?.cut === true && (
        <Warning>{t('There are more than are shown here: find one by its key.')}</Warning>
      )}
      {data?.entries.length === 0 && (
        <Nothing>
          {key === ''
            ? t('Messages share nothing (context.state).')
            : t('Messages share nothing under this key.')}
        </Nothing>
      )}
      {data !== undefined && data.entries.length > 0 && (
        <ListTable
          label={t('Shared state')}
          look="min-w-[48rem]"
          columns={[
            t('Key ## of shared work'),
            t('Size'),
            t('Changed by'),
            t('Changed'),
            t('Until'),
            '',
          ]}
        >
          {data.entries.map((entry) => (
            <tr key={entry.keyId} className="border-t border-line hover:bg-hover">
              <th scope="row" className="px-3 py-1.5 font-normal">
                <KeyText text={entry.key} />
              </th>
              <td className="px-3 py-1.5 text-xs whitespace-nowrap">{bytes(entry.bytes)}</td>
              <td className="px-3 py-1.5 text-xs">
                {entry.host},{' '}
                <Link
                  to="/messages/$id"
                  params={{ id: entry.messageId }}
                  className="font-mono text-accent hover:underline"
                >
                  {entry.messageId}
                </Link>
              </td>
              <td className="px-3 py-1.5 font-mono text-xs" data-name={t('Changed')}>
                <When at={entry.at} as="second" />
              </td>
              <td className="px-3 py-1.5 font-mono text-xs" data-name={t('Until')}>
                <When at={entry.until} as="second" />
              </td>
              <td className="px-3 py-1.5">
                <span className="flex justify-end gap-2">
                  {may('message.content') && (
                    <Button onClick={() => setChosen({ entry, act: 'look' })}>
                      {t('Look at it')}
                    </Button>
                  )}
                  {may('queue.abort') && (
                    <Button onClick={() => setChosen({ entry, act: 'remove' })}>
                      {t('Remove')}
                    </Button>
                  )}
                </span>
              </td>
            </tr>
          ))}
        </ListTable>
      )}
      {chosen?.act === 'look' && <Value entry={chosen.entry} onClose={close} />}
      {chosen?.act === 'remove' && (
        <Confirm
          title={t('Remove shared state')}
          act={t('Remove it')}
          withReason
          order={(reason) =>
            ask('POST /state/{keyId}/remove', {
              path: { keyId: chosen.entry.keyId },
              body: { reason },
            })
          }
          onClose={close}
        >
          {t('The next message under this key finds nothing, as if it were the first.')}
        </Confirm>
      )}
    </>
  );
}

function Value({
  entry: { keyId, key },
  onClose,
}: {
  readonly entry: Entry;
  readonly onClose: () => void;
}): ReactElement {
  const { data, error } = useQuery({
    queryKey: ['state-value', keyId],
    queryFn: ({ signal }) => ask('GET /state/{keyId}', { path: { keyId }, signal }),
    // each look is in the audit log
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    retry: false,
  });
  return (
    <Modal title={t('Shared state of {key}', { key })} onClose={onClose} wide>
      <Pending answer={data} error={error} />
      {data?.masked === true && <Masked />}
      {data !== undefined && (
        <pre
          className="overflow-x-auto rounded-md border border-line bg-sunken p-3 font-mono text-xs"
          tabIndex={0}
          aria-label={t('Value')}
          translate="no"
        >
          {data.value}
        </pre>
      )}
    </Modal>
  );
}
