import { useMutation } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, type RefObject, useRef } from 'react';
import type { Material } from '../../../src/api/contract/workbench.ts';
import { ask } from '../api/client.ts';
import { Button } from '../element/button.tsx';
import { CopyButton } from '../element/copy-button.tsx';
import { Field } from '../element/field.tsx';
import { FilesOrText } from '../element/files-or-text.tsx';
import { Problem } from '../element/notice.tsx';
import { Panel } from '../element/page.tsx';
import { day } from '../element/time-text.ts';
import { serverText } from '../language/server-text.ts';
import { t } from '../language/translate.ts';

type Item = Material['items'][number];

/** Files of certificates and keys: what they are, and whether they belong together. */
export function MaterialPanel(): ReactElement {
  const files = useRef<HTMLInputElement>(null);
  const pasted = useRef<HTMLTextAreaElement>(null);
  const passphrase = useRef<HTMLInputElement>(null);
  const look = useMutation({
    mutationFn: async () => {
      const given = await Promise.all([...(files.current?.files ?? [])].map(readFile));
      const text = pasted.current?.value.trim() ?? '';
      const own =
        text === ''
          ? []
          : [{ name: t('pasted text'), content: base64(new TextEncoder().encode(text)) }];
      const secret = passphrase.current?.value ?? '';
      const body = { files: [...given, ...own], ...(secret !== '' && { passphrase: secret }) };
      return ask('POST /workbench/certificate', { body });
    },
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    look.mutate();
  };
  return (
    <Panel title={t('Certificate or key')}>
      <form onSubmit={submit} className="flex flex-col gap-3">
        <FilesOrText
          label={t('Files: PEM, DER, PKCS#12, JWK, OpenSSH')}
          files={files}
          pasted={pasted}
          rows={3}
        />
        <div className="flex flex-wrap items-end gap-3">
          <div className="min-w-48 flex-1">
            <PassphraseField input={passphrase} />
          </div>
          <Button type="submit" look="primary" disabled={look.isPending}>
            {t('Say what it is')}
          </Button>
        </div>
        <p className="text-xs text-ink-2">
          {t(
            'Private keys are read on the server, and neither kept nor shown. Certificates alone are enough for most questions.',
          )}
        </p>
      </form>
      {look.isError && <Problem error={look.error} />}
      {look.data !== undefined && <Found material={look.data} />}
    </Panel>
  );
}

function PassphraseField({
  input,
}: {
  readonly input: RefObject<HTMLInputElement | null>;
}): ReactElement {
  return (
    <Field
      ref={input}
      label={t('Passphrase, if it is encrypted')}
      type="password"
      autoComplete="off"
      maxLength={1_000}
    />
  );
}

async function readFile(file: File): Promise<{ name: string; content: string }> {
  return {
    name: file.name.slice(0, 200),
    content: base64(new Uint8Array(await file.arrayBuffer())),
  };
}

const base64 = (bytes: Uint8Array): string =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));

function Found({ material: { items, notes } }: { readonly material: Material }): ReactElement {
  return (
    <div className="mt-4 flex flex-col gap-3" role="status">
      {notes.length > 0 && (
        <ul className="flex list-disc flex-col gap-1 pl-4 text-xs">
          {notes.map((note) => (
            <li key={note}>{serverText(note)}</li>
          ))}
        </ul>
      )}
      {items.length === 0 && (
        <p className="text-xs text-ink-2">{t('Choose a file, or paste a text.')}</p>
      )}
      {items.map((item, index) => (
        // oxlint-disable-next-line react/no-array-index-key -- the list is never reordered
        <Card key={index} item={item} />
      ))}
    </div>
  );
}

const KINDS = {
  certificate: t('Certificate'),
  'private key': t('Private key'),
  'public key': t('Public key'),
  'encrypted key': t('Encrypted'),
  'secret key': t('Shared secret'),
  other: t('Something else'),
} as const;

function Card({ item }: { readonly item: Item }): ReactElement {
  const { file, form, kind, certificate: of } = item;
  const rows: (readonly [string, string | undefined])[] = [
    [t('File'), `${file} (${form})`],
    [t('Subject ## of a certificate'), of?.subject],
    [t('Issued by'), of?.selfSigned === true ? t('itself ## issued by') : of?.issuer],
    [t('Names'), of?.names.join(', ')],
    [
      t('Valid'),
      of && t('{from} to {until}', { from: day(of.notBefore), until: day(of.notAfter) }),
    ],
    [t('Key ## cryptographic'), item.type],
    [t('Weak'), item.weak && serverText(item.weak)],
    [t('Used for'), of?.usage.join(', ')],
    [t('Serial number'), of?.serial],
    [t('What it is'), item.note && serverText(item.note)],
  ];
  const fingerprint = of?.fingerprint ?? item.publicFingerprint;
  return (
    <article className="rounded-md border border-line">
      <h3 className="border-b border-line px-3 py-1.5 text-xs">{KINDS[kind]}</h3>
      <dl className="grid grid-cols-[7rem_minmax(0,1fr)] gap-y-0.5 px-3 py-2 text-xs">
        {rows
          .filter(([, value]) => value !== undefined && value !== '')
          .map(([name, value]) => (
            <div key={name} className="contents">
              <dt className="text-ink-2">{name}</dt>
              <dd className="break-words">{value}</dd>
            </div>
          ))}
        {fingerprint !== undefined && (
          <>
            <dt className="text-ink-2">{t('Fingerprint')}</dt>
            <dd className="flex items-center gap-1 font-mono text-2xs break-all">
              {fingerprint} <CopyButton text={fingerprint} label={t('Copy the fingerprint')} />
            </dd>
          </>
        )}
      </dl>
    </article>
  );
}
