import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useId, useRef, useState } from 'react';
import type {
  KeyOrder,
  TakenCertificate,
  WaitingKey,
} from '../../../src/api/contract/certificate.ts';
import { ask } from '../api/client.ts';
import { certificates } from '../api/queries.ts';
import { Button } from '../element/button.tsx';
import { Confirm } from '../element/confirmed-button.tsx';
import { CopyButton } from '../element/copy-button.tsx';
import { Choice, Field } from '../element/field.tsx';
import { FilesOrText } from '../element/files-or-text.tsx';
import { Modal } from '../element/modal.tsx';
import { Problem, Warning } from '../element/notice.tsx';
import { Panel } from '../element/page.tsx';
import { saveFile } from '../element/save-file.ts';
import { day } from '../element/time-text.ts';
import { t } from '../language/translate.ts';

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

/** Takes the signed certificate for a key that waits. */
function Upload({
  waiting: { name, files },
  onTaken,
  onClose,
}: {
  readonly waiting: WaitingKey;
  readonly onTaken: () => void;
  readonly onClose: () => void;
}): ReactElement {
  const chosen = useRef<HTMLInputElement>(null);
  const pasted = useRef<HTMLTextAreaElement>(null);
  const take = useMutation({
    mutationFn: async () => {
      const given = await Promise.all([...(chosen.current?.files ?? [])].map((one) => one.text()));
      const certificate = [...given, pasted.current?.value ?? ''].join('\n');
      return ask('POST /certificates/requests/{name}/certificate', {
        path: { name },
        body: { certificate },
      });
    },
    onSuccess: onTaken,
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    take.mutate();
  };
  return (
    <Modal title={t('Certificate of {name}', { name })} onClose={onClose}>
      {take.data === undefined ? (
        <form onSubmit={submit} className="flex flex-col gap-3">
          <FilesOrText
            label={t('Files: the certificate and its intermediates, PEM')}
            files={chosen}
            pasted={pasted}
            rows={5}
          />
          <p className="text-xs text-ink-2">
            {t(
              'It must fit the key and be valid now. It is used at once; the pair before stays on the server as {file}.',
              { file: `${files.certificate}.before` },
            )}
          </p>
          {take.isError && <Problem error={take.error} />}
          <Button type="submit" look="primary" disabled={take.isPending}>
            {t('Check and use it')}
          </Button>
        </form>
      ) : (
        <Taken name={name} taken={take.data} />
      )}
    </Modal>
  );
}

function Taken({
  name,
  taken: { subject, notAfter, notes, files, isNew },
}: {
  readonly name: string;
  readonly taken: TakenCertificate;
}): ReactElement {
  const entry = Object.entries({ kind: 'certificate', ...files });
  const line = `${name}: { ${entry.map(([key, value]) => `${key}: ${value}`).join(', ')} }`;
  return (
    <div className="flex flex-col gap-3">
      <p role="status">
        {isNew
          ? t('{subject} and its key are on the server, until {day}.', {
              subject,
              day: day(notAfter),
            })
          : t('{subject} is used now, until {day}.', { subject, day: day(notAfter) })}
      </p>
      {notes.map((note) => (
        <Warning key={note}>{note}</Warning>
      ))}
      {isNew && (
        <div className="text-xs">
          <p className="text-ink-2">{t('For credentials of the production:')}</p>
          <p className="flex items-center gap-1 font-mono break-all">
            {line} <CopyButton text={line} label={t('Copy the line')} />
          </p>
        </div>
      )}
    </div>
  );
}

/** Orders a key, for a credential that exists or a new one. */
function NewKey({
  onMade,
  onClose,
}: {
  readonly onMade: () => void;
  readonly onClose: () => void;
}): ReactElement {
  const suggestions = useId();
  const { data } = useQuery(certificates);
  const known = (data?.certificates ?? []).filter(({ kind }) => kind === 'own');
  const make = useMutation({
    mutationFn: (body: KeyOrder) => ask('POST /certificates/requests', { body }),
    onSuccess: () => {
      onMade();
      onClose();
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    make.mutate(orderIn(new FormData(event.currentTarget)));
  };
  return (
    <Modal title={t('New key')} onClose={onClose}>
      <form onSubmit={submit} className="flex flex-col gap-3">
        <Field
          label={t('Credential')}
          name="name"
          required
          maxLength={64}
          autoComplete="off"
          list={suggestions}
          hint={t('One of kind certificate, or the name of a new one.')}
        />
        <datalist id={suggestions}>
          {known.map(({ name }) => (
            <option key={name} value={name} />
          ))}
        </datalist>
        <Field
          label={t('Name of the server or client')}
          name="commonName"
          required
          maxLength={64}
          autoComplete="off"
          placeholder={t('hub.hospital.example')}
        />
        <Field
          label={t('Further names')}
          name="names"
          autoComplete="off"
          placeholder={t('DNS:hub, IP:10.0.0.5')}
          hint={t('Under which peers connect; separated by commas.')}
        />
        <Choice label={t('Kind of key')} name="keys">
          <option value="P-256">{t('Elliptic curve (P-256)')}</option>
          <option value="RSA">{t('RSA, 3072 bit: for old peers, and Entra')}</option>
        </Choice>
        <p className="text-xs text-ink-2">
          {t(
            'The key is made on the server, readable for Waybill alone, and shown to nobody. What is in use stays until the certificate is there.',
          )}
        </p>
        {make.isError && <Problem error={make.error} />}
        <Button type="submit" look="primary" disabled={make.isPending}>
          {t('Make the key')}
        </Button>
      </form>
    </Modal>
  );
}

/** Peers compare with the alternative names alone, so the common name is among them. */
function orderIn(given: FormData): KeyOrder {
  const text = (field: string): string => {
    const value = given.get(field);
    return typeof value === 'string' ? value.trim() : '';
  };
  const commonName = text('commonName');
  const named = text('names')
    .split(/[\s,;]+/)
    .filter((one) => one !== '')
    .map((one) => (/^(?:DNS|URI|IP):/.test(one) ? one : altName(one)));
  const own = /^[\w*-]+(?:\.[\w*-]+)*$/.test(commonName) ? [altName(commonName)] : [];
  return {
    name: text('name'),
    commonName,
    names: [...new Set([...own, ...named])],
    keys: text('keys') === 'RSA' ? 'RSA' : 'P-256',
  };
}

const altName = (name: string): string =>
  /^\d+(?:\.\d+){3}$|:/.test(name) ? `IP:${name}` : `DNS:${name}`;
