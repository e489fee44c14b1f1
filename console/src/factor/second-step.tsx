import { startAuthentication } from '@simplewebauthn/browser';
import { useMutation } from '@tanstack/react-query';
import { KeyRound } from 'lucide-react';
import { type FormEvent, type ReactElement, useState } from 'react';
import { ask, type Body, type Result } from '../api/client.ts';
import { Button } from '../element/button.tsx';
import { Field } from '../element/field.tsx';
import { Problem } from '../element/notice.tsx';
import { t } from '../language/translate.ts';
import { browserProblem } from './browser-problem.ts';

type Options = Parameters<typeof startAuthentication>[0]['optionsJSON'];

/** What is asked for after the password. */
export type AskedFor = NonNullable<Result<'POST /sign-in'>['secondFactor']>;

const send = (body: Body<'POST /sign-in/second-factor'>): Promise<unknown> =>
  ask('POST /sign-in/second-factor', { body });

/** The second step of a sign-in: a code, a passkey or a recovery code. */
export function SecondStep({
  asked: { kinds, passkey },
  onSignedIn,
  onBack,
}: {
  readonly asked: AskedFor;
  readonly onSignedIn: () => void;
  readonly onBack: () => void;
}): ReactElement {
  const hasApp = kinds.includes('totp');
  const [recovering, setRecovering] = useState(false);
  const byCode = useMutation({
    mutationFn: (code: string) => send({ code }),
    onSuccess: onSignedIn,
  });
  const byPasskey = useMutation({
    mutationFn: async (optionsJSON: Options) =>
      send({ passkey: await startAuthentication({ optionsJSON }).catch(browserProblem) }),
    onSuccess: onSignedIn,
  });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    byCode.mutate((new FormData(event.currentTarget).get('code') as string).trim());
  };
  const byRecovery = recovering || !hasApp;
  const failed = [byCode, byPasskey].find(({ isError }) => isError);
  return (
    <div className="flex flex-col gap-3">
      {failed !== undefined && <Problem error={failed.error} />}
      {passkey !== undefined && (
        <Button
          look={hasApp ? 'plain' : 'primary'}
          className="!h-9"
          disabled={byPasskey.isPending}
          onClick={() => byPasskey.mutate(passkey as Options)}
        >
          <KeyRound size={15} aria-hidden="true" />
          {byPasskey.isPending ? t('Waiting for the device…') : t('Use a passkey')}
        </Button>
      )}
      {passkey === undefined && kinds.includes('passkey') && (
        <p className="text-xs text-ink-2">
          {t('Your passkey belongs to another address of this console.')}
        </p>
      )}
      <form onSubmit={submit} className="flex flex-col gap-3">
        {byRecovery ? (
          <Field
            key="recovery"
            label={t('Recovery code')}
            name="code"
            autoComplete="off"
            required
            autoFocus={recovering}
          />
        ) : (
          <Field
            key="app"
            label={t('Code of the app')}
            name="code"
            inputMode="numeric"
            autoComplete="one-time-code"
            required
            autoFocus
          />
        )}
        <Button
          type="submit"
          look={passkey === undefined || hasApp ? 'primary' : 'plain'}
          className="!h-9"
          disabled={byCode.isPending}
        >
          {byCode.isPending ? t('Signing in…') : t('Sign in')}
        </Button>
      </form>
      <div className="flex flex-wrap justify-between gap-2">
        <Button look="quiet" onClick={onBack}>
          {t('Back')}
        </Button>
        {hasApp && (
          <Button look="quiet" onClick={() => setRecovering(!recovering)}>
            {recovering ? t('Use a code of the app') : t('Use a recovery code')}
          </Button>
        )}
      </div>
    </div>
  );
}
