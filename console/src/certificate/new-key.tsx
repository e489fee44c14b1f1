import { useMutation, useQuery } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useId } from 'react';
import type { KeyOrder } from '../../../src/api/contract/certificate.ts';
import { ask } from '../api/client.ts';
import { certificates } from '../api/queries.ts';
import { Button } from '../element/button.tsx';
import { Choice, Field } from '../element/field.tsx';
import { Modal } from '../element/modal.tsx';
import { Problem } from '../element/notice.tsx';
import { t } from '../language/translate.ts';

/** Orders a key, for a credential that exists or a new one. */
export function NewKey({
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
