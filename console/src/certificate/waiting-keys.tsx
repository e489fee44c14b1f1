import { queryOptions, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import type { WaitingKey } from '../../../src/api/contract/certificate.ts';
import { ask } from '../api/client.ts';
import { Button } from '../element/button.tsx';
import { Confirm } from '../element/confirmed-button.tsx';
import { CopyButton } from '../element/copy-button.tsx';
import { Problem } from '../element/notice.tsx';
import { Panel } from '../element/page.tsx';
import { saveFile } from '../element/save-file.ts';
import { day } from '../element/time-text.ts';
import { t } from '../language/translate.ts';
import { NewKey } from './new-key.tsx';
import { Upload } from './upload.tsx';

const waitingKeys = queryOptions({
  queryKey: ['certificates', 'waiting'],
  queryFn: ({ signal }) => ask('GET /certificates/requests', { signal }),
});

type Open =
  | { readonly what: 'new' }
  | { readonly what: 'upload' | 'discard'; readonly key: WaitingKey };

/** Keys that were made here and wait for their certificates. */
export function WaitingKeysPanel(): ReactElement {
  const client = useQueryClient();
  const { data, error } = useQuery(waitingKeys);
  const [open, setOpen] = useState<Open>();
  const changed = (): void => {
    void client.invalidateQueries({ queryKey: ['certificates'] });
  };
  const close = (): void => setOpen(undefined);
  const keys = data?.keys ?? [];
  return (
    <div className="mb-4">
      <Panel
        title={t('Keys that wait for their certificates')}
        actions={<Button onClick={() => setOpen({ what: 'new' })}>{t('New key…')}</Button>}
      >
        {error !== null && <Problem error={error} />}
        {keys.length === 0 && error === null && (
          <p className="text-xs text-ink-2">
            {t(
              'None. A new key is made on the server and stays there; what it gives you is the request that an authority signs.',
            )}
          </p>
        )}
        <ul className="flex flex-col gap-3">
          {keys.map((key) => (
            <Waiting key={key.name} waiting={key} onOpen={setOpen} />
          ))}
        </ul>
      </Panel>
      {open?.what === 'new' && <NewKey onMade={changed} onClose={close} />}
      {open?.what === 'upload' && <Upload waiting={open.key} onTaken={changed} onClose={close} />}
      {open?.what === 'discard' && <Discard waiting={open.key} onClose={close} onDone={changed} />}
    </div>
  );
}

function Waiting({
  waiting,
  onOpen,
}: {
  readonly waiting: WaitingKey;
  readonly onOpen: (open: Open) => void;
}): ReactElement {
  const { name, commonName, names, keys, request, since } = waiting;
  const download = (): void =>
    saveFile(new Blob([request], { type: 'application/pkcs10' }), `${name}.csr`);
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 border-t border-line pt-3 first:border-0 first:pt-0">
      <div className="min-w-0 flex-1 basis-60 text-xs">
        <p className="text-sm font-medium break-words">{name}</p>
        <p className="break-words text-ink-2">{[commonName, ...names, keys].join(' · ')}</p>
        <p className="text-ink-2">{t('made on {day}', { day: day(since) })}</p>
      </div>
      <div className="flex flex-wrap items-center gap-2">
        <CopyButton text={request} label={t('Copy the request of {name}', { name })} />
        <Button onClick={download}>{t('Download request')}</Button>
        <Button look="primary" onClick={() => onOpen({ what: 'upload', key: waiting })}>
          {t('Certificate…')}
        </Button>
        <Button onClick={() => onOpen({ what: 'discard', key: waiting })}>{t('Discard…')}</Button>
      </div>
    </li>
  );
}

function Discard({
  waiting: { name },
  onDone,
  onClose,
}: {
  readonly waiting: WaitingKey;
  readonly onDone: () => void;
  readonly onClose: () => void;
}): ReactElement {
  return (
    <Confirm
      title={t('Discard the key of {name}', { name })}
      act={t('Discard')}
      order={() => ask('DELETE /certificates/requests/{name}', { path: { name } })}
      onDone={onDone}
      onClose={onClose}
    >
      {t('A certificate that an authority signs for it is of no use then. What is in use stays.')}
    </Confirm>
  );
}
