import { startRegistration } from '@simplewebauthn/browser';
import { useMutation } from '@tanstack/react-query';
import type { FormEvent, ReactElement } from 'react';
import { ask } from '../api/client.ts';
import { Button } from '../element/button.tsx';
import { Field } from '../element/field.tsx';
import { Problem } from '../element/notice.tsx';
import { t } from '../language/translate.ts';
import { browserProblem } from './browser-problem.ts';
import type { AddedFactor } from './own-factors.ts';

type Options = Parameters<typeof startRegistration>[0]['optionsJSON'];

/** Makes a passkey: on this device, a phone or a security key. */
export function PasskeySetup({
  password,
  onAdded,
}: {
  readonly password: string;
  readonly onAdded: (added: AddedFactor) => void;
}): ReactElement {
  const make = useMutation({
    mutationFn: async (label: string) => {
      const { options, ticket } = await ask('POST /me/second-factor/passkey', {
        body: { password },
      });
      const response = await startRegistration({ optionsJSON: options as Options }).catch(
        browserProblem,
      );
      return ask('POST /me/second-factor/passkey/confirm', { body: { ticket, label, response } });
    },
    onSuccess: onAdded,
  });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    make.mutate((new FormData(event.currentTarget).get('label') as string).trim());
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-3">
      <p>
        {t(
          'A passkey is kept by this device, your phone or a security key. It works only for this console, so nobody can trick you into giving it away.',
        )}
      </p>
      <Field
        label={t('Name of the passkey')}
        name="label"
        defaultValue={t('This device')}
        hint={t('by which you recognise it in the list')}
        maxLength={100}
        pattern=".*\S.*"
        required
        autoFocus
      />
      {make.isError && <Problem error={make.error} />}
      <Button type="submit" look="primary" className="!h-9" disabled={make.isPending}>
        {make.isPending ? t('Waiting for the device…') : t('Make the passkey')}
      </Button>
    </form>
  );
}
