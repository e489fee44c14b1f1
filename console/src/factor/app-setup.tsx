import { useMutation } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useEffect, useRef } from 'react';
import { ask } from '../api/client.ts';
import { Button } from '../element/button.tsx';
import { CopyButton } from '../element/copy-button.tsx';
import { Field } from '../element/field.tsx';
import { Problem, Waiting } from '../element/notice.tsx';
import { t } from '../language/translate.ts';
import type { AddedFactor } from './own-factors.ts';
import { QrCode } from './qr-code.tsx';

/** Sets an authenticator app up: a QR code, and the first code of the app as proof. */
export function AppSetup({
  password,
  onAdded,
}: {
  readonly password: string;
  readonly onAdded: (added: AddedFactor) => void;
}): ReactElement {
  const start = useMutation({
    mutationFn: () => ask('POST /me/second-factor/totp', { body: { password } }),
  });
  const { mutate: begin } = start;
  const begun = useRef(false);
  useEffect(() => {
    // once, although React mounts twice while developing
    if (!begun.current) begin();
    begun.current = true;
  }, [begin]);
  const confirm = useMutation({
    mutationFn: (body: { readonly ticket: string; readonly code: string }) =>
      ask('POST /me/second-factor/totp/confirm', { body }),
    onSuccess: onAdded,
  });
  if (start.isError) return <Problem error={start.error} />;
  if (start.data === undefined) return <Waiting />;
  const { secret, uri, ticket } = start.data;
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const code = new FormData(event.currentTarget).get('code') as string;
    confirm.mutate({ ticket, code });
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-3">
      <p>
        {t(
          'Scan this with an authenticator app, such as the one your phone already has, or type the key. Then enter the code that the app shows.',
        )}
      </p>
      <div className="flex flex-wrap items-start gap-4">
        <QrCode text={uri} label={t('QR code with the key')} />
        <div className="flex min-w-44 flex-1 flex-col gap-3">
          <div className="text-xs">
            <div className="font-medium text-ink-2">{t('Key')}</div>
            <span className="font-mono break-all" translate="no">
              {secret.replaceAll(/(.{4})(?=.)/g, '$1 ')}
            </span>{' '}
            <CopyButton text={secret} label={t('Copy the key')} />
          </div>
          <Field
            label={t('Code of the app')}
            name="code"
            inputMode="numeric"
            autoComplete="one-time-code"
            pattern="\s*\d{3}\s?\d{3}\s*"
            maxLength={10}
            required
            autoFocus
          />
        </div>
      </div>
      {confirm.isError && <Problem error={confirm.error} />}
      <Button type="submit" look="primary" className="!h-9" disabled={confirm.isPending}>
        {t('Use this app')}
      </Button>
    </form>
  );
}
